//! Dates as cameras write them: no zone, seconds, and many that cannot be.

/// A civil date and time with possible numbers, no zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DateTime([u16; 6]);

impl DateTime {
    /// Year, month, day, hour, minute, second; `None` where they cannot be.
    pub(crate) fn new(parts: [u16; 6]) -> Option<Self> {
        let [year, month, day, hour, minute, second] = parts;
        let can_be = (1980..=2200).contains(&year)
            && (1..=12).contains(&month)
            && (1..=31).contains(&day)
            && hour < 24
            && minute < 60
            && second <= 60;
        can_be.then_some(Self(parts))
    }

    /// Seconds since the year 0 in the civil calendar; only differences mean something.
    pub(crate) fn seconds(self) -> i64 {
        let [year, month, day, hour, minute, second] = self.0.map(i64::from);
        // Days from civil: years begin in March, so that leap days come last.
        let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
        days * 86_400 + hour * 3_600 + minute * 60 + second
    }
}

/// `YYYY:MM:DD HH:MM:SS`; other separators are read too.
pub(crate) fn parse(text: &str) -> Option<DateTime> {
    parse_bytes(text.trim().as_bytes().get(..19)?)
}

/// As [`parse`], of 19 bytes.
pub(crate) fn parse_bytes(bytes: &[u8]) -> Option<DateTime> {
    let separator = |at: usize, of: &[u8]| bytes.get(at).is_some_and(|b| of.contains(b));
    if !separator(4, b":/-.")
        || !separator(7, b":/-.")
        || !separator(10, b" T")
        || !separator(13, b":")
        || !separator(16, b":")
    {
        return None;
    }
    let number = |from: usize, to: usize| {
        bytes
            .get(from..to)?
            .iter()
            .try_fold(0u16, |n, b| b.is_ascii_digit().then(|| n * 10 + u16::from(b - b'0')))
    };
    DateTime::new([
        number(0, 4)?,
        number(5, 7)?,
        number(8, 10)?,
        number(11, 13)?,
        number(14, 16)?,
        number(17, 19)?,
    ])
}

/// `+HH:MM`, `-HH:MM` or `Z` in seconds east of UTC.
pub(crate) fn offset(text: &str) -> Option<i64> {
    let text = text.trim();
    if text == "Z" {
        return Some(0);
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hours: i64 = text.get(1..3)?.parse().ok()?;
    let minutes: i64 = text.get(4..6)?.parse().ok()?;
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_that_cannot_be_are_no_dates() {
        assert!(parse("2019:06:01 12:00:00").is_some());
        assert!(parse("2021/09/23 10:21:29").is_some());
        for text in ["0000:00:00 00:00:00", "2019:13:01 12:00:00", "yesterday", "    :  :     :  :  "] {
            assert!(parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn seconds_count_over_months_and_leap_days() {
        let at = |text| parse(text).expect("a date").seconds();
        assert_eq!(at("2020:03:01 00:00:00") - at("2020:02:28 23:59:59"), 86_401);
        assert_eq!(at("2019:03:01 00:00:00") - at("2019:02:28 23:59:59"), 1);
        assert_eq!(at("2020:01:01 00:00:00") - at("2019:12:31 23:00:00"), 3_600);
        assert_eq!(at("2021:01:01 00:00:00") - at("2020:01:01 00:00:00"), 366 * 86_400);
    }

    #[test]
    fn offsets_are_east_of_utc() {
        assert_eq!(offset("+05:30"), Some(19_800));
        assert_eq!(offset("-08:00"), Some(-28_800));
        assert_eq!(offset("Z"), Some(0));
        assert_eq!(offset("5"), None);
    }
}
