use super::{LogLevel, View, logging_wit};

impl logging_wit::Host for View<'_> {
    fn log(
        &mut self,
        level: logging_wit::Level,
        context: String,
        message: String,
    ) -> wasmtime::Result<()> {
        let level = match level {
            logging_wit::Level::Trace => LogLevel::Trace,
            logging_wit::Level::Debug => LogLevel::Debug,
            logging_wit::Level::Info => LogLevel::Info,
            logging_wit::Level::Warn => LogLevel::Warn,
            logging_wit::Level::Error => LogLevel::Error,
            logging_wit::Level::Critical => LogLevel::Critical,
        };
        self.log.write(level, &context, &message);
        Ok(())
    }
}
