//! [`Date`]: the instants that `before` and `after` compare.
//!
//! A number is a count of milliseconds since 1970 and may be of any size; a string is RFC 3339, strictly: a date,
//! a `T`, a time with seconds, a zone. Parsers of dates accept more than that (a space for the `T`, a leap second,
//! short zones), and what they accept differs from SDK to SDK, so the shape is checked before one is asked.

use jiff::civil::DateTime;

use crate::value::Value;

/// An instant: whole milliseconds since 1970, and nanoseconds beyond them. Compares in order of time.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) struct Date {
    millis: f64,
    nanos: i32,
}

impl Date {
    pub(crate) fn parse(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => Some(Self { millis: number.as_f64().trunc(), nanos: 0 }),
            Value::String(text) => Self::parse_text(text),
            _ => None,
        }
    }

    fn parse_text(text: &str) -> Option<Self> {
        let (local, offset) = split_zone(text)?;
        // A local time, and not an instant: instants end some hours before the year 9999 does.
        let local: DateTime = local.parse().ok()?;
        let since_epoch = local.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0));
        let nanos = since_epoch.as_nanos() - i128::from(offset) * 60_000_000_000;
        #[expect(clippy::as_conversions, reason = "years of four digits are far below 2^53 milliseconds")]
        let millis = nanos.div_euclid(1_000_000) as f64;
        Some(Self { millis, nanos: i32::try_from(nanos.rem_euclid(1_000_000)).ok()? })
    }
}

/// Splits `YYYY-MM-DDThh:mm:ss[.fraction](Z|±hh:mm)` into the local time and the minutes that it is ahead of UTC. The
/// fraction has one to nine digits; there is no leap second.
fn split_zone(text: &str) -> Option<(&str, i32)> {
    let (start, rest) = text.split_at_checked(19)?;
    let shape = start.bytes().zip(*b"0000-00-00T00:00:00").all(|(byte, sample)| match sample {
        b'0' => byte.is_ascii_digit(),
        b'T' => matches!(byte, b'T' | b't'),
        punctuation => byte == punctuation,
    });
    let fraction = match rest.strip_prefix('.') {
        Some(fraction) => match fraction.bytes().take_while(u8::is_ascii_digit).count() {
            digits @ 1..=9 => digits + 1,
            _ => return None,
        },
        None => 0,
    };
    if !shape || start.ends_with(":60") {
        return None;
    }
    let (local, zone) = text.split_at_checked(19 + fraction)?;
    let offset = match zone.as_bytes() {
        b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (two_digits(*h1, *h2, 24)?, two_digits(*m1, *m2, 60)?);
            let minutes = hours * 60 + minutes;
            if *sign == b'-' { -minutes } else { minutes }
        }
        _ => return None,
    };
    Some((local, offset))
}

fn two_digits(tens: u8, units: u8, below: i32) -> Option<i32> {
    let number = i32::from(tens.checked_sub(b'0')?) * 10 + i32::from(units.checked_sub(b'0')?);
    (tens.is_ascii_digit() && units.is_ascii_digit() && number < below).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(text: &str) -> Option<f64> {
        Date::parse(&text.into()).map(|date| date.millis)
    }

    // Spec 01, section 7.4
    #[test]
    fn dates_follow_the_table_of_vectors() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0.0),
            ("2016-04-16T22:57:31.684Z", 1_460_847_451_684.0),
            ("2016-04-16T17:09:12.759-07:00", 1_460_851_752_759.0),
            ("2016-04-16T17:09:12-07:00", 1_460_851_752_000.0),
            ("1969-12-31T23:57:56.544-00:00", -123_456.0),
            ("2017-12-06T00:00:00.000-07:00", 1_512_543_600_000.0),
            ("2020-02-29T12:00:00+05:30", 1_582_957_800_000.0),
            ("2017-12-06t07:00:00z", 1_512_543_600_000.0),
        ] {
            assert_eq!(millis(text), Some(expected), "{text}");
        }
        assert_eq!(Date::parse(&Value::from(1_512_543_600_000_i64)), Date::parse(&"2017-12-06T07:00:00Z".into()));
    }

    // Spec 01, sections 4.8 and 7.4
    #[test]
    fn what_is_not_strictly_rfc_3339_is_no_date() {
        for text in [
            "2017-12-06",
            "00:00:00.000-07.00",
            "2017-12-06X00:00:00.000-07:00",
            "2017-12-06 00:00:00Z",
            "1512543600000",
            "",
            "badstring",
            "2017-12-06T07:00:00",
            "2017-12-06T07:00:00.Z",
            "2017-12-06T07:00:00.0123456789Z",
            "2017-12-06T07:00:60Z",
            "2017-12-06T7:00:00Z",
            "2017-02-30T00:00:00Z",
            "2017-12-06T07:00:00+24:00",
            "2017-12-06T07:00:00+01",
            "2017-12-06T07:00:00Z ",
            "2017-12-06T07:00:00Z[UTC]",
        ] {
            assert_eq!(millis(text), None, "{text}");
        }
        for value in [Value::Null, true.into(), Vec::<Value>::new().into()] {
            assert_eq!(Date::parse(&value), None);
        }
    }

    #[test]
    fn all_digits_of_the_fraction_count_and_numbers_of_any_size_compare() {
        let date = |text: &str| Date::parse(&text.into()).unwrap();
        assert!(date("2020-01-01T00:00:00.000000001Z") > date("2020-01-01T00:00:00Z"));
        assert!(date("1960-01-01T00:00:00.0000015Z") > date("1960-01-01T00:00:00.000001Z"));
        assert!(Date::parse(&1e300.into()) > Date::parse(&1e299.into()));
    }
}
