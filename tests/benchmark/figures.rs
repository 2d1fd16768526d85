//! What was measured, and how it is shown.

use crate::{guest::Turn, work::Work};

/// The rounds of one work.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    plain: Vec<f64>,
    guest: Vec<f64>,
    ratio: Vec<f64>,
    round_trips: u64,
    peak_memory_bytes: u64,
}

impl Figures {
    pub(crate) fn add(&mut self, plain: f64, guest: f64, turn: &Turn) {
        self.plain.push(plain);
        self.guest.push(guest);
        self.ratio.push(guest / plain);
        self.round_trips = turn.round_trips;
        self.peak_memory_bytes = self.peak_memory_bytes.max(turn.peak_memory_bytes);
    }

    pub(crate) fn line(&self, work: &Work) -> String {
        let micros = |seconds: &[f64]| format!("{:.1} µs", median(seconds) / work.operations * 1e6);
        row([
            work.title,
            &micros(&self.plain),
            &micros(&self.guest),
            &format!("{:.2}", median(&self.ratio)),
            &format!("{:.3}", count(self.round_trips) / work.operations),
            &format!("{:.1} MiB", count(self.peak_memory_bytes) / 1_048_576.0),
        ])
    }
}

pub(crate) fn heading() -> String {
    row([
        "operation",
        "plain",
        "guest",
        "ratio",
        "round trips",
        "guest memory",
    ])
}

fn row([operation, plain, guest, ratio, trips, memory]: [&str; 6]) -> String {
    format!("{operation:<30}{plain:>14}{guest:>14}{ratio:>8}{trips:>13}{memory:>14}")
}

fn count(number: u64) -> f64 {
    u32::try_from(number).map_or(f64::NAN, f64::from)
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
