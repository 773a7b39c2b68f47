//! Which rule answers a request.

use std::collections::HashMap;

use regex::Regex;

use super::{
    conversation::{Conversation, Request},
    script::{Pattern, Rule, Script, Step, StepWord, TextPattern, When},
    template::Variables,
};

/// A script whose patterns are known to be well-formed, and how often each rule has answered.
#[derive(Debug)]
pub(crate) struct Rules {
    list: Vec<Rule>,
    patterns: HashMap<String, Regex>,
    answered: HashMap<(usize, String), u32>,
}

/// What the rules see of a request.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    /// The request.
    pub(crate) request: &'a Request,
    /// Its conversation.
    pub(crate) conversation: &'a Conversation,
    /// The client's key, if it sent one.
    pub(crate) api_key: Option<&'a str>,
}

/// The rule that answers.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// Its name, or its place in the script.
    pub(crate) name: String,
    /// The rule.
    pub(crate) rule: Rule,
    /// What its reply may use.
    pub(crate) variables: Variables,
}

impl Rules {
    /// Compiles the script's regular expressions. The error names the rule.
    pub(crate) fn new(script: Script) -> Result<Self, String> {
        let mut patterns = HashMap::new();
        for (place, rule) in script.rules.iter().enumerate() {
            let mistake = |why: String| format!("{}: {why}", name(place, rule));
            for block in &rule.reply {
                let kinds = [&block.text, &block.thinking, &block.tool];
                if kinds.iter().filter(|kind| kind.is_some()).count() != 1 {
                    return Err(mistake("a block of `reply` has exactly one of `text`, `thinking` and `tool`".into()));
                }
            }
            for source in expressions(&rule.when) {
                let regex = Regex::new(source).map_err(|error| mistake(error.to_string()))?;
                patterns.insert(source.to_owned(), regex);
            }
        }
        Ok(Self { list: script.rules, patterns, answered: HashMap::new() })
    }

    /// The first rule that matches. It counts as having answered once more.
    pub(crate) fn answer(&mut self, asked: &Asked<'_>) -> Option<Answer> {
        let session = asked.request.session();
        for (place, rule) in self.list.iter().enumerate() {
            let key = (place, session.clone());
            let answered = self.answered.get(&key).copied().unwrap_or_default();
            if rule.times.is_some_and(|times| answered >= times) {
                continue;
            }
            if let Some(variables) = self.matches(&rule.when, asked) {
                let answer = Answer { name: name(place, rule), rule: rule.clone(), variables };
                self.answered.insert(key, answered + 1);
                return Some(answer);
            }
        }
        None
    }

    fn matches(&self, when: &When, asked: &Asked<'_>) -> Option<Variables> {
        let Asked { request, conversation, api_key } = asked;
        let result = joined_results(conversation);
        let plain = when.side == request.is_side()
            && step_matches(when, conversation)
            && when.tool.as_ref().is_none_or(|tool| conversation.results.iter().any(|result| result.tool == *tool))
            && when
                .is_error
                .is_none_or(|is_error| conversation.results.iter().any(|result| result.is_error) == is_error)
            && when.offers_tool.as_ref().is_none_or(|tool| request.tool_names().contains(&tool.as_str()));
        if !plain {
            return None;
        }
        let mut variables = variables_of(asked, &result);
        let holds = self.holds(when.prompt.as_ref(), &conversation.prompt, &mut variables)
            && self.holds(when.tool_result.as_ref(), &result, &mut variables)
            && self.holds(when.model.as_ref(), &request.model, &mut variables)
            && self.holds(when.api_key.as_ref(), api_key.unwrap_or_default(), &mut variables)
            && (when.conversation.is_none()
                || self.holds(when.conversation.as_ref(), &request.transcript(), &mut variables));
        holds.then_some(variables)
    }

    fn holds(&self, pattern: Option<&Pattern>, text: &str, variables: &mut Variables) -> bool {
        match pattern {
            None => true,
            Some(Pattern::Plain(part)) => text.contains(part.as_str()),
            Some(Pattern::Detailed(pattern)) => {
                pattern.equals.as_ref().is_none_or(|whole| text.trim() == whole.trim())
                    && pattern.contains.as_ref().is_none_or(|part| text.contains(part.as_str()))
                    && pattern.matches.as_ref().is_none_or(|source| self.captures(source, text, variables))
            }
        }
    }

    fn captures(&self, source: &str, text: &str, variables: &mut Variables) -> bool {
        let Some(regex) = self.patterns.get(source) else {
            return false;
        };
        let Some(found) = regex.captures(text) else {
            return false;
        };
        for name in regex.capture_names().flatten() {
            let value = found.name(name).map_or("", |group| group.as_str());
            variables.insert(name.to_owned(), value.to_owned());
        }
        true
    }
}

fn name(place: usize, rule: &Rule) -> String {
    rule.name.clone().unwrap_or_else(|| format!("rule {}", place + 1))
}

fn expressions(when: &When) -> impl Iterator<Item = &str> {
    [&when.prompt, &when.tool_result, &when.conversation, &when.model, &when.api_key].into_iter().filter_map(
        |pattern| match pattern {
            Some(Pattern::Detailed(TextPattern { matches: Some(source), .. })) => Some(source.as_str()),
            _ => None,
        },
    )
}

fn step_matches(when: &When, conversation: &Conversation) -> bool {
    let about_results = when.tool_result.is_some() || when.tool.is_some() || when.is_error.is_some();
    if about_results && conversation.results.is_empty() {
        return false;
    }
    match when.step {
        Some(Step::Number(step)) => conversation.step == step,
        Some(Step::Word(StepWord::Any)) => true,
        None => about_results || conversation.step == 0,
    }
}

fn joined_results(conversation: &Conversation) -> String {
    let texts: Vec<_> = conversation.results.iter().map(|result| result.text.as_str()).collect();
    texts.join("\n")
}

fn variables_of(asked: &Asked<'_>, result: &str) -> Variables {
    Variables::from([
        ("prompt".to_owned(), asked.conversation.prompt.clone()),
        ("tool_result".to_owned(), result.to_owned()),
        ("model".to_owned(), asked.request.model.clone()),
        ("session".to_owned(), asked.request.session()),
    ])
}
