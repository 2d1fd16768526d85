//! The [`log`] facade, written to the operator's log.

use crate::bindings::wasi::logging::logging;

struct HostLog;

impl log::Log for HostLog {
    fn enabled(&self, _metadata: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let level = match record.level() {
            log::Level::Error => logging::Level::Error,
            log::Level::Warn => logging::Level::Warn,
            log::Level::Info => logging::Level::Info,
            log::Level::Debug => logging::Level::Debug,
            log::Level::Trace => logging::Level::Trace,
        };
        logging::log(level, record.target(), &record.args().to_string());
    }

    fn flush(&self) {}
}

/// A logger that the plugin installed before is left in place.
pub(crate) fn install() {
    if log::set_logger(&HostLog).is_ok() {
        log::set_max_level(log::LevelFilter::Info);
    }
}
