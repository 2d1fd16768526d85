//! `host check`: whether the database is fit for plugins.

use std::fmt::Write as _;

use clap::Args;
use serde_json::json;

use super::{
    args::DatabaseArguments,
    command::{self, usage},
    exit::{Exit, Failure},
    terminal,
};
use crate::{
    config::{DatabaseConfig, Environment},
    operate::{self, Extent, Finding, Preparation, Verdict},
    telemetry::Printable,
};

/// Say whether the configuration is right and the database fit for plugins
///
/// It reads the configuration as `host run` does, connects, and looks. Nothing is changed without --prepare.
#[derive(Debug, Args)]
#[command(after_help = "\
Each line is ok, a warning or a failure, with what to do. The exit code is 0 without failures, 2 if the configuration is wrong or the role \
may not do what --prepare needs, and 8 if the database cannot be reached.")]
pub(super) struct Arguments {
    /// Make what the host needs in the database, unless it is there: the table of commit markers
    ///
    /// With it the host can find out what became of a commit whose answer was lost. Run it once for each database, logged in as its owner
    /// or as a superuser, and name the role that plugins run as with --for.
    #[arg(long)]
    prepare: bool,

    /// The role that plugins run as, if another one is logged in: it may add markers and read them, and nothing else
    ///
    /// The table of markers belongs to the role that is logged in for --prepare. What is said about markers is said of the role that is named
    /// here.
    #[arg(long = "for", value_name = "ROLE")]
    role: Option<String>,

    /// Print one line of JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    database: DatabaseArguments,
}

/// Looks, and tells what it found.
pub(super) fn main(arguments: &Arguments) -> Exit {
    command::answer(|environment| check(arguments, environment))
}

async fn check(arguments: &Arguments, environment: Environment) -> Result<Exit, Failure> {
    let config = match DatabaseConfig::resolve(&arguments.database.flags(), &environment) {
        Ok(config) => config,
        Err(error) => {
            let failure = usage(error);
            if arguments.json {
                let text = terminal::without_passwords(&failure.message);
                let finding = Finding::failure("configuration", text);
                terminal::print_output(&as_json(&[finding], Exit::Usage));
            }
            return Err(failure);
        }
    };
    let colourful = terminal::is_colourful();
    let mut findings = Vec::new();
    let tell = |finding: Finding| {
        if !arguments.json {
            terminal::print_output(&as_text(&finding, colourful));
        }
        findings.push(finding);
    };
    let preparation = Preparation {
        make: arguments.prepare,
        role: arguments.role.as_deref(),
    };
    let extent = Box::pin(operate::check(&config, preparation, tell)).await;
    let exit = match extent {
        Extent::Everything => Exit::Success,
        Extent::Refused | Extent::Configuration => Exit::Usage,
        Extent::Unreachable => Exit::Unreachable,
    };
    if arguments.json {
        terminal::print_output(&as_json(&findings, exit));
    }
    Ok(exit)
}

/// A line for the finding, and one for what to do. What a server says is shown as it can be shown on a terminal.
fn as_text(finding: &Finding, colourful: bool) -> String {
    let verdict = format!("{:<8}", finding.verdict.name());
    let verdict = match finding.verdict {
        _ if !colourful => verdict,
        Verdict::Ok => format!("\u{1b}[32m{verdict}\u{1b}[0m"),
        Verdict::Warning => format!("\u{1b}[33m{verdict}\u{1b}[0m"),
        Verdict::Failure => format!("\u{1b}[31m{verdict}\u{1b}[0m"),
    };
    let text = terminal::without_passwords(&finding.text);
    let mut shown = format!("{verdict}{:<15} {}\n", finding.subject, Printable(&text));
    if let Some(advice) = finding
        .advice
        .as_deref()
        .filter(|advice| !advice.is_empty())
    {
        // Writing to a text does not fail.
        writeln!(shown, "{:24}{}", "", Printable(advice)).ok();
    }
    shown
}

fn as_json(findings: &[Finding], exit: Exit) -> String {
    let findings: Vec<_> = findings
        .iter()
        .map(|finding| {
            json!({
                "subject": finding.subject,
                "verdict": finding.verdict.name(),
                "text": finding.text,
                "advice": finding.advice,
            })
        })
        .collect();
    let line = json!({ "outcome": exit.name(), "exit_code": exit.code(), "findings": findings });
    format!("{line}\n")
}

#[cfg(test)]
mod tests {
    use super::{Finding, as_text};

    #[test]
    fn a_finding_is_a_line_and_its_advice_another() {
        let finding = Finding::warning("role", "`a\u{1b}[1m` is a superuser", "make another");
        assert_eq!(
            as_text(&finding, false),
            "warning role            `a\\u{1b}[1m` is a superuser\n                        make another\n"
        );
        assert!(as_text(&finding, true).starts_with("\u{1b}[33mwarning \u{1b}[0mrole"));
        assert_eq!(
            as_text(&Finding::ok("clock", "agrees"), false)
                .lines()
                .count(),
            1
        );
    }
}
