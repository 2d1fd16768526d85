//! Who must come before whom, and the circles in that.

use std::{
    collections::{BTreeSet, VecDeque},
    fmt,
};

/// Why one transaction comes before another, in the terms of Adya.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    /// The other wrote over what it wrote.
    Ww,
    /// The other read what it wrote.
    Wr,
    /// The other wrote over what it read.
    Rw,
}

/// One transaction comes before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) why: Why,
    pub(super) key: i64,
}

/// Transactions by their numbers, and what orders them.
#[derive(Debug, Default)]
pub(super) struct Graph(BTreeSet<Edge>);

impl Graph {
    /// Adds an edge. Nobody comes before himself.
    pub(super) fn add(&mut self, edge: Edge) {
        if edge.from != edge.to {
            self.0.insert(edge);
        }
    }

    /// Leaves only what lies on circles and between them: without circles, nothing.
    pub(super) fn trim(&mut self) {
        loop {
            let sources: BTreeSet<_> = self.0.iter().map(|edge| edge.from).collect();
            let ends: BTreeSet<_> = self.0.iter().map(|edge| edge.to).collect();
            let before = self.0.len();
            self.0
                .retain(|edge| ends.contains(&edge.from) && sources.contains(&edge.to));
            if self.0.len() == before {
                return;
            }
        }
    }

    /// A shortest circle that begins with an edge for this reason and goes on with edges for `others` alone.
    pub(super) fn circle(&self, first: Why, others: &[Why]) -> Option<Vec<Edge>> {
        let firsts = self.0.iter().filter(|edge| edge.why == first);
        let circles = firsts.filter_map(|edge| {
            let back = self.path(edge.to, edge.from, others)?;
            Some([vec![*edge], back].concat())
        });
        circles.min_by_key(Vec::len)
    }

    /// A shortest circle of two edges of the first reason at least, of which none is on a circle with only one.
    pub(super) fn circle_of_several(&self, several: Why, others: &[Why]) -> Option<Vec<Edge>> {
        let all = [others, &[several]].concat();
        let firsts = self.0.iter().filter(|edge| edge.why == several);
        let circles = firsts.filter_map(|edge| {
            if self.path(edge.to, edge.from, others).is_some() {
                return None;
            }
            let back = self.path(edge.to, edge.from, &all)?;
            Some([vec![*edge], back].concat())
        });
        circles.min_by_key(Vec::len)
    }

    /// A shortest path along edges for these reasons.
    fn path(&self, from: usize, to: usize, reasons: &[Why]) -> Option<Vec<Edge>> {
        let mut paths = VecDeque::from([(from, Vec::new())]);
        let mut seen = BTreeSet::from([from]);
        while let Some((at, path)) = paths.pop_front() {
            if at == to {
                return Some(path);
            }
            for edge in self.leaving(at) {
                if reasons.contains(&edge.why) && seen.insert(edge.to) {
                    paths.push_back((edge.to, [&path[..], &[*edge]].concat()));
                }
            }
        }
        None
    }

    fn leaving(&self, from: usize) -> impl Iterator<Item = &Edge> {
        let first = Edge {
            from,
            to: 0,
            why: Why::Ww,
            key: i64::MIN,
        };
        self.0
            .range(first..)
            .take_while(move |edge| edge.from == from)
    }
}

impl fmt::Display for Edge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, why, key } = self;
        let why = match why {
            Why::Ww => "ww",
            Why::Wr => "wr",
            Why::Rw => "rw",
        };
        write!(formatter, "T{from} -{why} of {key}-> T{to}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(usize, Why, usize)]) -> Graph {
        let mut graph = Graph::default();
        for &(from, why, to) in edges {
            graph.add(Edge {
                from,
                to,
                why,
                key: 1,
            });
        }
        graph
    }

    #[test]
    fn what_has_no_circle_is_trimmed_away() {
        let mut graph = graph(&[(1, Why::Ww, 2), (2, Why::Rw, 3), (1, Why::Wr, 3)]);
        graph.trim();
        assert_eq!(graph.0.len(), 0);
    }

    #[test]
    fn what_leads_to_a_circle_is_no_part_of_it() {
        let circle = [(2, Why::Ww, 3), (3, Why::Wr, 2)];
        let mut graph = graph(&[&[(1, Why::Ww, 2)], &circle[..], &[(3, Why::Rw, 4)]].concat());
        graph.trim();
        assert_eq!(graph.0.len(), 2);
        assert_eq!(graph.circle(Why::Ww, &[Why::Ww]), None);
        let found = graph.circle(Why::Wr, &[Why::Ww]).expect("it is there");
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, ["T3 -wr of 1-> T2", "T2 -ww of 1-> T3"]);
    }

    #[test]
    fn the_shortest_circle_is_shown() {
        let long = [(1, Why::Ww, 2), (2, Why::Ww, 3), (3, Why::Ww, 1)];
        let graph = graph(&[&long[..], &[(4, Why::Ww, 5), (5, Why::Ww, 4)]].concat());
        assert_eq!(
            graph.circle(Why::Ww, &[Why::Ww]).map(|edges| edges.len()),
            Some(2)
        );
    }

    #[test]
    fn a_circle_of_several_is_not_one_of_a_single() {
        let others = [Why::Ww, Why::Wr];
        let single = graph(&[(1, Why::Rw, 2), (2, Why::Wr, 1)]);
        assert_eq!(single.circle_of_several(Why::Rw, &others), None);
        let two = graph(&[(1, Why::Rw, 2), (2, Why::Rw, 1)]);
        assert_eq!(two.circle(Why::Rw, &others), None);
        assert!(two.circle_of_several(Why::Rw, &others).is_some());
    }
}
