//! Order statistics.

/// The values in order, at least one.
#[derive(Debug, Clone)]
pub(crate) struct Sample(Vec<f64>);

impl Sample {
    /// Of some values; of none: a single NaN, which no goal accepts.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        if values.is_empty() {
            values.push(f64::NAN);
        }
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    /// The value that `percent` of the others are not above.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        self.0[(self.0.len() - 1) * percent.min(100) / 100]
    }

    pub(crate) fn median(&self) -> f64 {
        self.percentile(50)
    }

    pub(crate) fn min(&self) -> f64 {
        self.percentile(0)
    }

    pub(crate) fn max(&self) -> f64 {
        self.percentile(100)
    }

    /// How many there are, and how far apart.
    pub(crate) fn spread(&self, digits: usize) -> String {
        format!("n={}, {:.digits$} to {:.digits$}", self.0.len(), self.min(), self.max())
    }
}
