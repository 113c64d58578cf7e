//! A latency histogram that is cheap enough to record every call.

/// Steps per power of two: the error is below half a percent, and below 512 ns there is none.
const STEPS: u32 = 256;
const BUCKETS: usize = 57 * STEPS as usize;

#[derive(Debug)]
pub(crate) struct Latencies {
    buckets: Vec<u64>,
    calls: u64,
    most: u64,
}

impl Latencies {
    pub(crate) fn new() -> Self {
        Self {
            buckets: vec![0; BUCKETS],
            calls: 0,
            most: 0,
        }
    }

    pub(crate) fn record(&mut self, nanos: u64) {
        if let Some(bucket) = self.buckets.get_mut(bucket(nanos)) {
            *bucket += 1;
        }
        self.calls += 1;
        self.most = self.most.max(nanos);
    }

    /// Adds the records of another histogram.
    pub(crate) fn add(&mut self, other: &Self) {
        for (bucket, more) in self.buckets.iter_mut().zip(&other.buckets) {
            *bucket += more;
        }
        self.calls += other.calls;
        self.most = self.most.max(other.most);
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls
    }

    /// Returns the exact maximum.
    pub(crate) fn most(&self) -> u64 {
        self.most
    }

    /// Returns the latency that this share of the calls did not exceed.
    pub(crate) fn quantile(&self, share: f64) -> u64 {
        let wanted = (share * self.calls as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        let reached = self.buckets.iter().position(|bucket| {
            seen += bucket;
            seen >= wanted
        });
        reached.map_or(self.most, greatest).min(self.most)
    }
}

fn bucket(nanos: u64) -> usize {
    let shift = nanos
        .checked_ilog2()
        .unwrap_or(0)
        .saturating_sub(STEPS.ilog2());
    // Below 57 times 256 by construction.
    (u64::from(shift * STEPS) + (nanos >> shift)) as usize
}

/// Returns the longest latency of a bucket.
fn greatest(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let steps = u64::from(STEPS);
    let shift = (bucket / steps).saturating_sub(1);
    let step = bucket - shift * steps;
    // The last bucket ends at `u64::MAX`.
    ((step + 1) << shift).wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_latencies_are_exact_and_long_ones_nearly_exact() {
        for nanos in [0, 1, 255, 256, 511] {
            assert_eq!(greatest(bucket(nanos)), nanos);
        }
        for nanos in [
            512,
            513,
            1_000,
            123_456,
            5_000_000_000,
            1 << 40,
            u64::MAX / 2,
        ] {
            let held = greatest(bucket(nanos));
            assert!(
                nanos <= held && held - nanos <= nanos / 256,
                "{nanos} is recorded as {held}"
            );
            assert!(bucket(nanos) < BUCKETS);
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
        assert!(
            (0..BUCKETS - 1).all(|index| bucket(greatest(index)) == index
                && bucket(greatest(index) + 1) == index + 1)
        );
    }

    #[test]
    fn two_histograms_can_be_added() {
        let [mut one, mut two] = [Latencies::new(), Latencies::new()];
        one.record(10);
        two.record(10);
        two.record(30);
        one.add(&two);
        assert_eq!(
            (
                one.calls(),
                one.most(),
                one.quantile(0.5),
                one.quantile(1.0)
            ),
            (3, 30, 10, 30)
        );
    }

    #[test]
    fn a_quantile_is_the_latency_that_its_share_did_not_exceed() {
        let mut latencies = Latencies::new();
        assert_eq!((latencies.quantile(0.5), latencies.most()), (0, 0));
        for nanos in 1..=100 {
            latencies.record(nanos);
        }
        latencies.record(1_000_003);
        assert_eq!((latencies.calls(), latencies.most()), (101, 1_000_003));
        assert_eq!(latencies.quantile(0.5), 51);
        assert_eq!(latencies.quantile(0.99), 100);
        assert_eq!(latencies.quantile(0.999), 1_000_003);
    }
}
