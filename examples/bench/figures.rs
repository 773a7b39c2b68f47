//! The figures, as a table for people and as JSON for machines.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::Result;

/// One measured figure.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    pub(crate) goal: Option<Goal>,
    /// What the original measured.
    pub(crate) original: Option<f64>,
    /// How many runs, how far apart, and what else helps to read it.
    pub(crate) note: String,
}

/// What a figure is to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Goal {
    AtMost(f64),
    AtLeast(f64),
}

/// How far a figure is from its goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    NoGoal,
    Met,
    Missed,
    /// By more than the goal itself.
    FarOff,
}

impl Goal {
    fn number(self) -> f64 {
        match self {
            Self::AtMost(goal) | Self::AtLeast(goal) => goal,
        }
    }
}

impl Figure {
    fn standing(&self) -> Standing {
        // How often the figure is as bad as its goal allows. A NaN meets nothing.
        let excess = match self.goal {
            None => return Standing::NoGoal,
            Some(Goal::AtMost(goal)) if self.value <= goal => return Standing::Met,
            Some(Goal::AtMost(goal)) => self.value / goal,
            Some(Goal::AtLeast(goal)) => goal / self.value,
        };
        if excess <= 1.0 {
            Standing::Met
        } else if excess <= 2.0 {
            Standing::Missed
        } else {
            Standing::FarOff
        }
    }

    fn row(&self) -> [String; 6] {
        let goal = self.goal.map_or_else(String::new, |goal| match goal {
            Goal::AtMost(goal) => format!("≤ {}", short(goal)),
            Goal::AtLeast(goal) => format!("≥ {}", short(goal)),
        });
        let verdict = match self.standing() {
            Standing::NoGoal => "",
            Standing::Met => "met",
            Standing::Missed => "MISSED",
            Standing::FarOff => "MISSED BY FAR",
        };
        let value = format!("{} {}", short(self.value), self.unit);
        let original = self.original.map_or_else(String::new, short);
        [self.name.clone(), value, goal, verdict.to_owned(), original, self.note.clone()]
    }

    fn json(&self) -> Value {
        json!({
            "name": self.name, "value": rounded(self.value), "unit": self.unit,
            "goal": self.goal.map(Goal::number), "original": self.original,
        })
    }
}

/// All figures of one call.
#[derive(Debug, Default)]
pub(crate) struct Figures(Vec<Figure>);

impl Figures {
    /// Adds one, and says so, since the whole takes minutes.
    pub(crate) fn add(&mut self, figure: Figure) {
        eprintln!("{}: {} {} ({})", figure.name, short(figure.value), figure.unit, figure.note);
        self.0.push(figure);
    }

    /// Whether a goal is missed by more than the goal itself.
    pub(crate) fn far_off(&self) -> bool {
        self.0.iter().any(|figure| figure.standing() == Standing::FarOff)
    }

    pub(crate) fn print(&self) {
        let head = ["", "value", "goal", "", "original", "runs"].map(str::to_owned);
        let rows: Vec<_> = std::iter::once(head).chain(self.0.iter().map(Figure::row)).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: [usize; 6] = std::array::from_fn(width);
        println!();
        for row in &rows {
            let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            println!("{}", cells.join("  ").trim_end());
        }
    }

    /// Writes `[{name, value, unit, goal, original}]`.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let all: Vec<Value> = self.0.iter().map(Figure::json).collect();
        fs::write(path, serde_json::to_vec_pretty(&all)?)?;
        println!("\nwritten to {}", path.display());
        Ok(())
    }
}

/// Three digits or more.
fn short(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 || size == 0.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.digits$}")
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
