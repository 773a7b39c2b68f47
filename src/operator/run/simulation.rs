//! Sessions and Runs decided over and over, in a world where everything goes wrong: caches lag behind, writes conflict, the operator
//! dies between any two effects, pods vanish, people change their minds, the clock jumps.
//!
//! `AMBIENT_SIMULATED_STEPS` is how many steps all cases have together (10,000; a million has been run by hand).

mod runner;
mod world;

use proptest::prelude::*;

use self::world::{RUNS, Which, World};

/// What may happen in a step.
#[derive(Debug, Clone, Copy)]
enum Happens {
    /// A watch brings what is true by now.
    Seen(Which),
    /// The operator looks at something, and dies after so many effects (mostly: after all of them).
    Looked(Which, usize),
    /// The operator dies, and another one lists everything.
    Restarted,
    /// The pod's containers are ready.
    PodComes,
    /// The pod ends by itself.
    PodFails,
    /// The pod is gone with all that nobody has heard yet.
    PodVanishes,
    /// The runner goes on with what it is at.
    Works,
    /// What the runner has written is kept.
    Heard,
    /// A person cancels a Run.
    Cancels(usize),
    /// A person wants the session to stop, or to go on.
    Asks(bool),
    /// The session is deleted.
    Deletes,
    /// Time goes by, in seconds.
    Passes(i64),
}

fn which() -> impl Strategy<Value = Which> {
    prop_oneof![Just(Which::Session), Just(Which::Pod), (0..RUNS).prop_map(Which::Run)]
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        12 => which().prop_map(Happens::Seen),
        16 => (which(), prop_oneof![4 => Just(usize::MAX), 1 => 0..3_usize]).prop_map(|(which, effects)| Happens::Looked(which, effects)),
        2 => Just(Happens::Restarted),
        5 => Just(Happens::PodComes),
        1 => Just(Happens::PodFails),
        1 => Just(Happens::PodVanishes),
        8 => Just(Happens::Works),
        8 => Just(Happens::Heard),
        1 => (0..RUNS).prop_map(Happens::Cancels),
        1 => any::<bool>().prop_map(Happens::Asks),
        4 => prop_oneof![1..30_i64, 1..2000_i64].prop_map(Happens::Passes),
    ]
}

fn cases() -> ProptestConfig {
    let wanted =
        std::env::var("AMBIENT_SIMULATED_STEPS").ok().and_then(|steps| steps.parse().ok()).unwrap_or(10_000_u32);
    ProptestConfig { cases: wanted.div_ceil(200), ..ProptestConfig::default() }
}

fn step(world: &mut World, happens: Happens) {
    match happens {
        Happens::Seen(which) => world.see(which),
        Happens::Looked(which, effects) => world.look(which, effects),
        Happens::Restarted => world.restart(),
        Happens::PodComes => world.pod_comes(),
        Happens::PodFails => world.pod_fails(),
        Happens::PodVanishes => world.pod_vanishes(),
        Happens::Works => world.work(),
        Happens::Heard => world.hear(),
        Happens::Cancels(run) => world.cancel(run),
        Happens::Asks(up) => world.ask(up),
        Happens::Deletes => world.delete(),
        Happens::Passes(seconds) => world.now += seconds,
    }
    world.check();
}

proptest! {
    #![proptest_config(cases())]

    /// No Run is executed twice or ends twice, none says what is not kept of it, and when the world calms down all of them end.
    #[test]
    fn whatever_happens_every_run_ends_once_and_truthfully(
        events in prop::collection::vec(happens(), 100..300), deleted in prop::option::weighted(0.2, 0..300_usize),
    ) {
        let mut world = World::new();
        for (number, happens) in events.into_iter().enumerate() {
            step(&mut world, happens);
            if deleted == Some(number) {
                step(&mut world, Happens::Deletes);
            }
        }
        world.calm_down();
    }
}
