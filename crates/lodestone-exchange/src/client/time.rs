//! Times as the services write them, in UTC: never in the time of the machine, which shifted HMA's windows by hours.

/// `2017-10-24T15:00:00Z` of seconds since 1970.
pub(super) fn iso(at_s: i64) -> String {
    let (days, second) = (at_s.div_euclid(86_400), at_s.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

/// Seconds since 1970 of `2017-10-24T15:00:00[.123](Z|+hh:mm|-hh:mm)`; without a zone it is UTC. `None` for other texts.
pub(super) fn parse_iso(text: &str) -> Option<i64> {
    let text = text.trim();
    let bytes = text.as_bytes();
    if !text.is_ascii() || bytes.len() < 19 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    if !matches!(bytes[10], b'T' | b't' | b' ') || bytes[13] != b':' || bytes[16] != b':' {
        return None;
    }
    let days = days(number(&text[..4])?, number(&text[5..7])?, number(&text[8..10])?)?;
    let clock = clock(&text[11..19])?;
    let rest = text[19..].trim_start_matches(['.', ',']);
    let zone = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    // Digits without a point before them are no fraction.
    if rest.len() == text.len() - 19 && zone.len() != rest.len() {
        return None;
    }
    let offset_s = match zone.as_bytes() {
        [] | [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), digits @ ..] if digits.len() >= 4 => {
            let (hours, minutes) = (number(&zone[1..3])?, number(zone[3..].trim_start_matches(':'))?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            (hours * 3600 + minutes * 60) * if *sign == b'-' { -1 } else { 1 }
        }
        _ => return None,
    };
    Some(days * 86_400 + clock - offset_s)
}

/// Seconds since 1970 of `Sun, 06 Nov 1994 08:49:37 GMT`. *Source:* RFC 9110, 5.6.7; the two obsolete forms are not read.
pub(super) fn parse_http_date(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, rest) = text.trim().split_once(", ")?;
    let mut parts = rest.split(' ');
    let day = number(parts.next()?)?;
    let month = parts.next()?;
    let month = i64::try_from(MONTHS.iter().position(|name| *name == month)?).ok()? + 1;
    let days = days(number(parts.next()?)?, month, day)?;
    let clock = clock(parts.next()?)?;
    (parts.next() == Some("GMT") && parts.next().is_none()).then_some(days * 86_400 + clock)
}

fn number(text: &str) -> Option<i64> {
    let fits = (1..=4).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

fn clock(text: &str) -> Option<i64> {
    let mut parts = text.split(':');
    let (hour, minute, second) = (number(parts.next()?)?, number(parts.next()?)?, number(parts.next()?)?);
    (hour < 24 && minute < 60 && second <= 60 && parts.next().is_none())
        .then_some(hour * 3600 + minute * 60 + second)
}

/// Days since 1970 of a date of the proleptic Gregorian calendar. *Source:* Howard Hinnant, `days_from_civil`.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// Year, month and day of days since 1970. *Source:* Howard Hinnant, `civil_from_days`.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_and_read_in_utc() {
        assert_eq!(iso(1_700_000_000), "2023-11-14T22:13:20Z");
        assert_eq!(iso(0), "1970-01-01T00:00:00Z");
        for (text, at_s) in [
            ("2023-11-14T22:13:20Z", 1_700_000_000),
            ("2023-11-14T22:13:20.987Z", 1_700_000_000),
            ("2023-11-14T22:13:20", 1_700_000_000),
            ("2023-11-14T17:13:20-05:00", 1_700_000_000),
            ("2023-11-14T23:13:20.5+0100", 1_700_000_000),
            ("2000-02-29T00:00:00Z", 951_782_400),
        ] {
            assert_eq!(parse_iso(text), Some(at_s), "{text}");
        }
    }

    #[test]
    fn every_day_of_four_centuries_reads_back() {
        for day in (-60_000..90_000).step_by(7) {
            let at_s = day * 86_400 + 12_345;
            assert_eq!(parse_iso(&iso(at_s)), Some(at_s));
        }
    }

    #[test]
    fn other_texts_are_no_times() {
        for text in [
            "",
            "2023",
            "2023-13-14T22:13:20Z",
            "2023-11-14T25:13:20Z",
            "2023-11-14T22:13:2012",
            "2023-11-14X22:13:20Z",
            "2023-11-14T22:13:20+99:99",
            "２０２３-11-14T22:13:20Z",
            "+023-11-14T22:13:20Z",
            "2023-11-14T22:13:20+1",
        ] {
            assert_eq!(parse_iso(text), None, "{text}");
        }
        assert_eq!(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        for text in [
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 06 Non 1994 08:49:37 GMT",
            "",
        ] {
            assert_eq!(parse_http_date(text), None, "{text}");
        }
    }
}
