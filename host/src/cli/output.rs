//! The flags of what a run prints beside the plugin's output.

use clap::{Args, ValueEnum};

use crate::telemetry;

/// What the host prints.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArguments {
    /// Print no notes, and a summary only if its form is asked for; warnings, errors and logs remain
    #[arg(long, short)]
    pub(super) quiet: bool,

    /// The form of the closing summary: text (the default), or json for one line of JSON
    ///
    /// What it counts is what was done, in attempts that were rolled back too.
    #[arg(long, value_name = "FORM", value_enum, hide_possible_values = true)]
    pub(super) summary: Option<SummaryForm>,

    /// The form of logs and messages: text, or json for one JSON object a line
    #[arg(
        long,
        value_name = "FORM",
        value_enum,
        default_value_t,
        hide_possible_values = true
    )]
    pub(super) log_format: LogFormat,

    /// What is logged: off, error, warn, info, debug or trace
    ///
    /// By default messages of the plugin from info and of the host from warn. The environment variable RUST_LOG can say it in
    /// more detail.
    #[arg(long, value_name = "LEVEL", value_enum, hide_possible_values = true)]
    pub(super) log_level: Option<LogLevel>,

    /// Log every statement with its time, its rows and round trips, and the attempt that it belongs to
    ///
    /// Also told is every attempt that is followed by another, and why. Values of parameters are not shown; what a plugin writes into its SQL
    /// texts is, and can be data that not everybody may see.
    #[arg(long)]
    pub(super) trace: bool,
}

/// The form of the closing summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SummaryForm {
    Text,
    Json,
}

/// The form of what goes to standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum LogFormat {
    #[default]
    Text,
    Json,
}

impl OutputArguments {
    /// The form of the summary, if there is to be one.
    pub(super) fn summary(&self) -> Option<SummaryForm> {
        self.summary
            .or_else(|| (!self.quiet).then_some(SummaryForm::Text))
    }
}

impl From<LogFormat> for telemetry::Format {
    fn from(format: LogFormat) -> Self {
        match format {
            LogFormat::Text => Self::Text,
            LogFormat::Json => Self::Json,
        }
    }
}

/// What is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl LogLevel {
    /// The level as filters write it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}
