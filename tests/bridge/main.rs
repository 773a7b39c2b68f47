//! The Claude bridge with the real CLI and a scripted model: the 26 rows, each on both hosts. What a row
//! streams is given to the official AG-UI client too.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

#[path = "../support/agui.rs"]
mod agui;
#[path = "../support/claude.rs"]
mod claude;
#[path = "../support/model.rs"]
mod model;
#[path = "../support/needs.rs"]
mod needs;
#[path = "../support/turns.rs"]
mod turn;
#[path = "../support/wire.rs"]
mod wire;

mod clients;
mod rig;

mod agents;
mod cuts;
mod ends;
mod faults;
mod permissions;
mod questions;
mod stream;
mod took;
mod turns;

/// Every row as a test on each host.
macro_rules! on_both_hosts {
    ($($module:ident: $($row:ident)*;)*) => {
        mod local {
            $($(#[tokio::test] async fn $row() { super::rig::on(super::rig::local(), super::$module::$row).await; })*)*
        }
        mod socket {
            $($(#[tokio::test] async fn $row() { super::rig::on(super::rig::socket().await, super::$module::$row).await; })*)*
        }
    };
}

on_both_hosts! {
    stream: row_01_text_deltas row_02_thinking row_03_tools_with_results_and_errors_in_parallel;
    agents: row_04_sub_agents row_05_a_background_sub_agent_is_part_of_its_turn row_05_a_quick_background_sub_agent_is_part_of_its_turn_too
        bug_08_a_background_command_that_ends_between_turns_begins_a_turn_of_its_own row_05_a_prompt_takes_what_the_agent_began_by_itself
        bug_08_a_background_command_that_is_stopped_between_turns_has_a_turn_of_its_own
        bug_08_an_end_waits_for_the_answer_that_the_agent_waits_for
        bug_08_an_agent_that_begins_a_turn_while_it_starts_does_not_hang;
    permissions: row_06_permission_modes row_06_what_is_refused_says_so_to_the_agent row_07_hooks
        row_08_tools_of_this_process row_11_allowed_and_disallowed_tools row_11_max_turns
        row_11_model_and_system_prompt row_12_structured_output;
    turns: row_09_interrupt row_09_interrupt_of_a_running_tool row_09_interrupt_before_anything_happens threads_have_agents_of_their_own row_10_resume_by_session_id row_18_usage_and_cost_per_run
        row_19_started_before_the_first_prompt what_was_recorded_plays_the_same_events;
    questions: row_13_several_frontend_tools_at_once row_13_answers_after_a_restart
        row_13_tools_that_come_and_go_between_turns row_13_a_person_who_does_not_answer_declines
        bug_12_a_question_to_a_person_is_asked_and_answered row_14_the_question_survives_a_restart_and_may_come_with_a_message
        row_14_a_question_beside_a_frontend_tool row_20_never_evicted_with_an_open_question;
    faults: row_15_lines_of_any_length row_16_unknown_messages_and_fields bug_13_a_prompt_after_a_death_while_idle_is_not_lost
        bug_22_an_idle_agent_is_evicted_after_a_time row_21_death_in_mid_turn bug_01_a_lost_transcript_is_told_and_does_not_hang_the_run row_23_damaged_session_map
        row_26_a_model_that_never_answers row_26_an_agent_that_does_not_obey shutdown_ends_turns_and_processes;
    cuts: row_17_text_that_is_taken_back row_17_text_that_was_whole_stays row_17_a_call_that_is_taken_back;
    ends: bug_09_retries_of_the_provider_are_told_in_the_stream row_17_a_provider_that_fails_for_good row_22_a_start_that_fails_says_its_stderr
        row_24_a_bad_key row_25_a_provider_limit row_25_a_limit_that_says_when_it_is_over;
}
