//! A component that offers nothing to run.
