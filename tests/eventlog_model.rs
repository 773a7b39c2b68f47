//! The log against a simple model: random work, random readers, the process and the machine dying at random.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod eventlog_support;

use eventlog_support::model::{Model, Step};
use proptest::prelude::*;

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0..4_u8, 1..5_u8, 0..200_u16)
            .prop_map(|(run, events, length)| Step::Append { run, events, length }),
        2 => (0..8_u8).prop_map(|run| Step::StartRun { run }),
        2 => (0..8_u8).prop_map(|run| Step::EndRun { run }),
        3 => (0..8_u8).prop_map(|run| Step::Accept { run }),
        3 => Just(Step::Sync),
        6 => (0..3_u8).prop_map(|reader| Step::Read { reader }),
        2 => (0..3_u8).prop_map(|reader| Step::ReadAll { reader }),
        2 => (0..3_u8, any::<u16>()).prop_map(|(reader, from)| Step::NewReader { reader, from }),
        1 => any::<u8>().prop_map(|portion| Step::Acknowledge { portion }),
        1 => (0..20_u8).prop_map(|numbers| Step::LeaveOut { numbers }),
        1 => Just(Step::Kill),
        1 => any::<u64>().prop_map(|seed| Step::PowerCut { seed }),
        2 => (0..12_u8, any::<bool>(), any::<u64>())
            .prop_map(|(operations, power, seed)| Step::DieAfter { operations, power, seed }),
        2 => (0..24_u8, any::<bool>(), any::<u64>())
            .prop_map(|(operations, power, seed)| Step::Stumble { operations, power, seed }),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, max_shrink_iters: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_promised_is_lost_and_no_number_comes_back(steps in prop::collection::vec(step(), 1..80)) {
        let mut model = Model::new();
        for step in steps {
            model.step(step);
        }
        model.end();
    }
}
