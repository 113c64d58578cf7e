//! Sampling by ratio, 1 in n (EVT-8).

/// Returns whether this event is sampled, with a probability of 1 in `ratio`. `None` samples each,
/// 0 or less none.
pub(crate) fn is_sampled(ratio: Option<i64>) -> bool {
    match ratio {
        None | Some(1) => true,
        Some(ratio) => {
            u64::try_from(ratio).is_ok_and(|ratio| ratio > 0 && fastrand::u64(..ratio) == 0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // EVT-8
    #[test]
    fn one_in_ratio_is_sampled() {
        let passed = |ratio| (0..10_000).filter(|_| is_sampled(ratio)).count();
        fastrand::seed(7);
        assert_eq!(
            [None, Some(1), Some(0), Some(-1), Some(i64::MIN)].map(passed),
            [10_000, 10_000, 0, 0, 0]
        );
        assert!((2_300..2_700).contains(&passed(Some(4))));
    }
}
