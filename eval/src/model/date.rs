//! [`Date`]: the operands of `before` and `after`.
//!
//! A number is a count of milliseconds since 1970, of any size. A string is strict RFC 3339: a
//! date, a `T`, a time with seconds, a zone. General date parsers accept more (a space for the `T`,
//! leap seconds, short zones), and the extensions differ between SDKs. This parser accepts exactly
//! one format and, because it runs in every evaluation that compares dates, avoids a calendar type.

use crate::value::Value;

/// An instant: whole milliseconds since 1970 plus nanoseconds. Ordered by time.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) struct Date {
    millis: f64,
    nanos: i32,
}

impl Date {
    pub(crate) fn parse(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => Some(Self {
                millis: number.as_f64().trunc(),
                nanos: 0,
            }),
            Value::String(text) => Self::parse_text(text.as_bytes()),
            _ => None,
        }
    }

    /// Returns the milliseconds since 1970.
    pub(super) fn to_millis(self) -> f64 {
        self.millis + f64::from(self.nanos) / 1e6
    }

    /// Parses `YYYY-MM-DDThh:mm:ss[.fraction](Z|±hh:mm)`.
    fn parse_text(text: &[u8]) -> Option<Self> {
        let (start, rest) = text.split_first_chunk::<19>()?;
        let [
            y1,
            y2,
            y3,
            y4,
            b'-',
            m1,
            m2,
            b'-',
            d1,
            d2,
            b'T' | b't',
            h1,
            h2,
            b':',
            n1,
            n2,
            b':',
            s1,
            s2,
        ] = *start
        else {
            return None;
        };
        let year = number([y1, y2])? * 100 + number([y3, y4])?;
        let (month, day) = (number([m1, m2])?, number([d1, d2])?);
        let (hour, minute, second) = (number([h1, h2])?, number([n1, n2])?, number([s1, s2])?);
        if !(1..=12).contains(&month)
            || day < 1
            || day > days_of(month, year)
            || hour > 23
            || minute > 59
            || second > 59
        {
            return None;
        }
        let (nanos, zone) = fraction(rest)?;
        let minutes = hour * 60 + minute - offset(zone)?;
        let seconds = i64::from(days_since_1970(year, month, day)) * 86_400
            + i64::from(minutes * 60 + second);
        let millis = seconds * 1_000 + i64::from(nanos / 1_000_000);
        // Years of four digits stay far below 2^53 milliseconds.
        #[expect(clippy::as_conversions, reason = "exact, see above")]
        Some(Self {
            millis: millis as f64,
            nanos: nanos % 1_000_000,
        })
    }
}

fn number(digits: [u8; 2]) -> Option<i32> {
    let [tens, units] = digits.map(|digit| digit.wrapping_sub(b'0'));
    (tens < 10 && units < 10).then(|| i32::from(tens) * 10 + i32::from(units))
}

/// Returns the nanoseconds of an optional fraction of one to nine digits, and the rest.
fn fraction(rest: &[u8]) -> Option<(i32, &[u8])> {
    let [b'.', rest @ ..] = rest else {
        return Some((0, rest));
    };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, zone) = rest
        .split_at_checked(digits)
        .filter(|(digits, _)| (1..=9).contains(&digits.len()))?;
    let padded = digits
        .iter()
        .copied()
        .chain(std::iter::repeat(b'0'))
        .take(9);
    Some((
        padded.fold(0, |nanos, digit| nanos * 10 + i32::from(digit - b'0')),
        zone,
    ))
}

/// Returns how many minutes a zone is ahead of UTC.
fn offset(zone: &[u8]) -> Option<i32> {
    let (sign, hours, minutes) = match *zone {
        [b'Z' | b'z'] => return Some(0),
        [b'+', h1, h2, b':', m1, m2] => (1, number([h1, h2])?, number([m1, m2])?),
        [b'-', h1, h2, b':', m1, m2] => (-1, number([h1, h2])?, number([m1, m2])?),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

fn days_of(month: i32, year: i32) -> i32 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Converts a Gregorian date to days. Years start in March, so that a leap day comes last.
fn days_since_1970(year: i32, month: i32, day: i32) -> i32 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(text: &str) -> Option<f64> {
        Date::parse(&text.into()).map(|date| date.millis)
    }

    // EVAL-7.4
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
        assert_eq!(
            Date::parse(&Value::from(1_512_543_600_000_i64)),
            Date::parse(&"2017-12-06T07:00:00Z".into())
        );
    }

    // EVAL-4.8 and EVAL-7.4
    #[test]
    fn strings_that_are_not_strictly_rfc_3339_are_rejected() {
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
            "2017-12-00T00:00:00Z",
            "2017-00-06T00:00:00Z",
            "2017-13-06T00:00:00Z",
            "2017-12-06T24:00:00Z",
            "2017-12-06T07:60:00Z",
            "2017-12-06T07:00:00+24:00",
            "2017-12-06T07:00:00+01:60",
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

    // EVAL-7.4
    #[test]
    fn each_digit_of_a_date_must_be_a_digit() {
        let text = "2017-12-06T07:00:00+01:00";
        for (place, _) in text.match_indices(|character: char| character.is_ascii_digit()) {
            // The characters before `0` and after `9`.
            for other in ["/", ":"] {
                let mut changed = text.to_owned();
                changed.replace_range(place..=place, other);
                assert_eq!(millis(&changed), None, "{changed}");
            }
        }
    }

    #[test]
    fn consecutive_days_are_one_day_apart() {
        let mut expected = days_since_1970(0, 1, 1);
        for year in 0..=9_999 {
            for month in 1..=12 {
                for day in 1..=days_of(month, year) {
                    assert_eq!(
                        days_since_1970(year, month, day),
                        expected,
                        "{year}-{month}-{day}"
                    );
                    expected += 1;
                }
            }
        }
        assert_eq!(days_since_1970(1970, 1, 1), 0);
    }

    #[test]
    fn nanoseconds_and_numbers_of_any_size_are_compared() {
        let date = |text: &str| Date::parse(&text.into()).unwrap();
        assert!(date("2020-01-01T00:00:00.000000001Z") > date("2020-01-01T00:00:00Z"));
        assert!(date("1960-01-01T00:00:00.0000015Z") > date("1960-01-01T00:00:00.000001Z"));
        assert!(Date::parse(&1e300.into()) > Date::parse(&1e299.into()));
    }
}
