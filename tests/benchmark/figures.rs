//! What was measured, and how it is shown.

use crate::{guest::Turn, work::Work};

/// The rounds of one work.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    plain: Vec<f64>,
    guest: Vec<f64>,
    ratio: Vec<f64>,
    cpu_plain: Vec<f64>,
    cpu_guest: Vec<f64>,
    round_trips: u64,
    peak_memory_bytes: u64,
}

impl Figures {
    /// Seconds by the clock and of the processor, of either side.
    pub(crate) fn add(
        &mut self,
        (plain, cpu_plain): (f64, f64),
        (guest, cpu_guest): (f64, f64),
        turn: &Turn,
    ) {
        self.cpu_plain.push(cpu_plain);
        self.cpu_guest.push(cpu_guest);
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
            &micros(&self.cpu_plain),
            &micros(&self.cpu_guest),
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
        "CPU, plain",
        "CPU, guest",
        "round trips",
        "guest memory",
    ])
}

fn row(
    [
        operation,
        plain,
        guest,
        ratio,
        cpu_plain,
        cpu_guest,
        trips,
        memory,
    ]: [&str; 8],
) -> String {
    format!(
        "{operation:<30}{plain:>14}{guest:>14}{ratio:>7}{cpu_plain:>14}{cpu_guest:>14}{trips:>13}{memory:>14}"
    )
}

pub(crate) fn count(number: u64) -> f64 {
    u32::try_from(number).map_or(f64::NAN, f64::from)
}

pub(crate) fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
