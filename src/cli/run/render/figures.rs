//! Figures as people read them.

use std::time::Duration;

/// `0.3s`, `1m 05s`, `2h 03m`
pub(in crate::cli) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{:.1}s", time.as_secs_f64()),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// `950`, `12.4k`, `1.2M`
pub(in crate::cli) fn tokens(count: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "one digit after the point is shown")]
    let count_f = count as f64;
    match count {
        0..1000 => count.to_string(),
        1000..1_000_000 => format!("{:.1}k", count_f / 1e3),
        _ => format!("{:.1}M", count_f / 1e6),
    }
}

/// `$0.04`, and `<$0.01` for what would round to nothing
pub(in crate::cli) fn money(dollars: f64) -> String {
    if dollars > 0.0 && dollars < 0.005 { "<$0.01".to_owned() } else { format!("${dollars:.2}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_grow_with_their_unit() {
        let shown = [300, 59_900, 65_000, 7_380_000].map(|ms| duration(Duration::from_millis(ms)));
        assert_eq!(shown, ["0.3s", "59.9s", "1m 05s", "2h 03m"]);
    }

    #[test]
    fn tokens_and_money_are_short() {
        assert_eq!([950, 12_400, 1_200_000].map(tokens), ["950", "12.4k", "1.2M"]);
        assert_eq!([0.0, 0.001, 0.04, 12.345].map(money), ["$0.00", "<$0.01", "$0.04", "$12.35"]);
    }
}
