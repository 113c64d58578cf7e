//! [`Turns`]: the readings of all turns, as a table.

use std::error::Error;

use serde_json::Value;

use crate::layout::{self, Spread, grouped};

/// Which numbers are better, for the ratio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sense {
    Less,
    More,
    /// There is no ratio.
    Plain,
}

/// A number of one SDK in one turn.
#[derive(Debug)]
pub(super) struct Reading {
    name: String,
    sense: Sense,
    number: f64,
    /// What the measured call returned, if anything: the same for all SDKs.
    answer: Value,
}

impl Reading {
    pub(super) fn new(name: &str, sense: Sense, number: f64) -> Self {
        Self {
            name: name.into(),
            sense,
            number,
            answer: Value::Null,
        }
    }

    pub(super) fn answering(self, answer: Value) -> Self {
        Self { answer, ..self }
    }
}

/// The readings of all turns, in rows.
#[derive(Debug)]
pub(super) struct Turns {
    peers: Vec<String>,
    rows: Vec<Row>,
}

/// The readings of one name.
#[derive(Debug)]
struct Row {
    name: String,
    sense: Sense,
    /// For each peer, its number in each turn and that of ours before it.
    pairs: Vec<Vec<Pair>>,
}

#[derive(Debug, Clone, Copy)]
struct Pair {
    ours: f64,
    peer: f64,
}

impl Turns {
    pub(super) fn new(peers: Vec<String>) -> Self {
        Self {
            peers,
            rows: Vec::new(),
        }
    }

    /// Adds a turn of ours and of the peer with this index.
    pub(super) fn add(
        &mut self,
        peer: usize,
        ours: Vec<Reading>,
        theirs: Vec<Reading>,
    ) -> Result<(), Box<dyn Error>> {
        for (ours, theirs) in ours.into_iter().zip(theirs) {
            let Reading { name, answer, .. } = theirs;
            if ours.answer != answer {
                let (of, ours) = (&self.peers[peer], ours.answer);
                return Err(format!("{name}: ours returns {ours}, {of} {answer}").into());
            }
            let pair = Pair {
                ours: ours.number,
                peer: theirs.number,
            };
            self.row(name, ours.sense).pairs[peer].push(pair);
        }
        Ok(())
    }

    fn row(&mut self, name: String, sense: Sense) -> &mut Row {
        let found = self.rows.iter().position(|row| row.name == name);
        let index = found.unwrap_or_else(|| {
            self.rows.push(Row {
                name,
                sense,
                pairs: vec![Vec::new(); self.peers.len()],
            });
            self.rows.len() - 1
        });
        &mut self.rows[index]
    }

    pub(super) fn table(&self) -> String {
        let mut headings = vec![String::new(), "ours".into()];
        for peer in &self.peers {
            headings.extend([peer.clone(), "ratio".into()]);
        }
        let rows: Vec<_> = self.rows.iter().map(Row::cells).collect();
        let note =
            "ratio: the other's number divided by ours; for calls/s, ours divided by the other's\n";
        layout::columns(&headings, &rows) + note
    }
}

impl Row {
    fn cells(&self) -> Vec<String> {
        let ours = self.pairs.iter().flatten().map(|pair| pair.ours).collect();
        let mut cells = vec![self.name.clone(), Spread::of(ours).to_string()];
        for pairs in &self.pairs {
            let peer = Spread::of(pairs.iter().map(|pair| pair.peer).collect());
            let ratio = Spread::of(pairs.iter().map(|pair| self.ratio(*pair)).collect());
            cells.extend(match (pairs.is_empty(), self.sense) {
                (true, _) => [layout::NOTHING.into(), layout::NOTHING.into()],
                (false, Sense::Plain) => [grouped(peer.median), layout::NOTHING.into()],
                (false, _) => [grouped(peer.median), ratio.to_string()],
            });
        }
        cells
    }

    fn ratio(&self, pair: Pair) -> f64 {
        match self.sense {
            Sense::More => pair.ours / pair.peer,
            Sense::Less | Sense::Plain => pair.peer / pair.ours,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(name: &str, sense: Sense, number: f64) -> Vec<Reading> {
        vec![Reading::new(name, sense, number)]
    }

    #[test]
    fn a_ratio_above_one_favours_ours_and_is_that_of_neighbouring_turns() {
        let mut turns = Turns::new(vec!["A".into(), "B".into()]);
        // The machine becomes ten times as slow in the second turn.
        for slow in [1.0, 10.0] {
            let ours = reading("time", Sense::Less, 10.0 * slow);
            let peer = reading("time", Sense::Less, 200.0 * slow);
            turns.add(0, ours, peer).unwrap();
        }
        let rate = |number| reading("rate", Sense::More, number);
        turns.add(0, rate(300.0), rate(100.0)).unwrap();
        let plain = |number| reading("share", Sense::Plain, number);
        turns.add(1, plain(100.0), plain(50.0)).unwrap();

        let rows: Vec<_> = turns.rows.iter().map(Row::cells).collect();
        assert_eq!(rows[0][3..], ["20 (20–20)", "-", "-"]);
        assert_eq!(rows[1][2..], ["100", "3 (3–3)", "-", "-"]);
        assert_eq!(rows[2][1..], ["100 (100–100)", "-", "-", "50", "-"]);
        assert!(turns.table().contains("ours"));
    }

    #[test]
    fn different_answers_are_an_error() {
        let answering = |value: bool| {
            let reading = Reading::new("a", Sense::Less, 1.0);
            vec![reading.answering(value.into())]
        };
        let mut turns = Turns::new(vec!["A".into()]);
        turns.add(0, answering(true), answering(true)).unwrap();
        let error = turns.add(0, answering(true), answering(false)).unwrap_err();
        assert_eq!(error.to_string(), "a: ours returns true, A false");
    }
}
