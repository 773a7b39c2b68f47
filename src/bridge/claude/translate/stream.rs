//! Streamed messages of the main agent.

use serde_json::{Value, json};

use super::{Translator, blocks, blocks::Block, custom, ids::MessageIds};
use crate::{
    agui::{Event, Id},
    bridge::claude::wire::{Delta, StreamFrame, text},
};

/// The message that is being streamed.
#[derive(Debug)]
pub(super) struct Message {
    id: Id,
    /// The open blocks by their index.
    open: Vec<(usize, Block)>,
    /// What every block was shown as, for the case that it is taken back.
    shown: Vec<(usize, Shown)>,
}

#[derive(Debug)]
enum Shown {
    Message(Id),
    Call(Id),
}

impl Translator {
    pub(super) fn stream(&mut self, frame: StreamFrame<'_>, out: &mut Vec<Event>) {
        if frame.parent_tool_use_id.is_some() {
            // A sub-agent's message comes once more as a whole, and is shown then.
            return;
        }
        let event = frame.event;
        match &*event.kind {
            "content_block_delta" => {
                if let Some(delta) = event.delta {
                    self.delta(event.index, delta, out);
                }
            }
            "content_block_start" => {
                self.open_block(event.index, event.content_block.unwrap_or_default(), out);
            }
            "content_block_stop" => self.close_block(event.index, out),
            "message_start" => self.start_message(event.message.map(|head| head.id), out),
            "message_stop" => self.finish_message(frame.abandoned_blocks.map(|blocks| blocks.from_block_index), out),
            _ => {}
        }
    }

    fn start_message(&mut self, id: Option<String>, out: &mut Vec<Event>) {
        // A message that never stopped: versions before 2.1.330 just go on with the next.
        self.finish_message(None, out);
        self.start_step(out);
        let id = id.map_or_else(Id::random, Id::from);
        self.messages.insert(id.clone(), MessageIds::new(id.clone()));
        self.message = Some(Message { id, open: Vec::new(), shown: Vec::new() });
    }

    fn open_block(&mut self, index: usize, block: Value, out: &mut Vec<Event>) {
        self.close_block(index, out);
        let Some(message) = &mut self.message else {
            return;
        };
        let Some(ids) = self.messages.get_mut(&message.id) else {
            return;
        };
        let opened = match text(&block, "type").unwrap_or_default() {
            "text" => Block::Text { id: None },
            "thinking" | "redacted_thinking" => {
                let id = ids.next_thought();
                blocks::open_thought(&id, out);
                message.shown.push((index, Shown::Message(id.clone())));
                Block::Thinking { id, signature: text(&block, "data").unwrap_or_default().to_owned() }
            }
            kind if blocks::is_call(kind) => self.open_streamed_call(index, &block, out),
            kind if blocks::is_result(kind) => {
                self.tool_result(block, out);
                return;
            }
            _ => Block::Unknown,
        };
        if let Some(message) = &mut self.message {
            message.open.push((index, opened));
        }
        self.initial_text(index, &block, out);
    }

    /// A block may begin with text or thinking in it.
    fn initial_text(&mut self, index: usize, block: &Value, out: &mut Vec<Event>) {
        for member in ["text", "thinking"] {
            if let Some(initial) = text(block, member).filter(|text| !text.is_empty()) {
                self.grow(index, initial.to_owned(), out);
            }
        }
    }

    fn open_streamed_call(&mut self, index: usize, block: &Value, out: &mut Vec<Event>) -> Block {
        let Some(id) = text(block, "id").map(Id::from) else {
            return Block::Unknown;
        };
        let Some(message) = &mut self.message else {
            return Block::Unknown;
        };
        let Some(ids) = self.messages.get_mut(&message.id) else {
            return Block::Unknown;
        };
        let parent = ids.tool_parent();
        message.shown.push((index, Shown::Call(id.clone())));
        if !self.open_call(id.clone(), text(block, "name").unwrap_or_default(), parent, None, out) {
            return Block::Unknown;
        }
        if let Some(args) = blocks::initial_args(block.get("input")) {
            out.push(blocks::call_args(&id, args));
        }
        Block::Tool { id }
    }

    fn delta(&mut self, index: usize, delta: Delta<'_>, out: &mut Vec<Event>) {
        if let Some(text) = delta.text.or(delta.thinking).or(delta.partial_json) {
            self.grow(index, text.0.into_owned(), out);
        } else if let Some(more) = delta.signature
            && let Some(Block::Thinking { signature, .. }) = self.block(index)
        {
            signature.push_str(&more.0);
        }
    }

    fn block(&mut self, index: usize) -> Option<&mut Block> {
        let open = &mut self.message.as_mut()?.open;
        open.iter_mut().rev().find(|(at, _)| *at == index).map(|(_, block)| block)
    }

    fn grow(&mut self, index: usize, delta: String, out: &mut Vec<Event>) {
        match self.block(index) {
            Some(Block::Text { id: Some(id) }) => out.push(blocks::text_delta(id, delta)),
            Some(Block::Thinking { id, .. }) => out.push(blocks::thought_delta(id, delta)),
            Some(Block::Tool { id }) => out.push(blocks::call_args(id, delta)),
            Some(Block::Text { id: None }) => self.first_text(index, delta, out),
            Some(Block::Unknown) | None => {}
        }
    }

    fn first_text(&mut self, index: usize, delta: String, out: &mut Vec<Event>) {
        let Some(message) = &mut self.message else {
            return;
        };
        let Some(ids) = self.messages.get_mut(&message.id) else {
            return;
        };
        let new = ids.next_text();
        out.push(blocks::open_text(&new));
        out.push(blocks::text_delta(&new, delta));
        message.shown.push((index, Shown::Message(new.clone())));
        if let Some(Block::Text { id }) = self.block(index) {
            *id = Some(new);
        }
    }

    fn close_block(&mut self, index: usize, out: &mut Vec<Event>) {
        let Some(message) = &mut self.message else {
            return;
        };
        let Some(at) = message.open.iter().position(|(open, _)| *open == index) else {
            return;
        };
        close(message.open.remove(at).1, out);
    }

    /// Ends the streamed message, whatever of it is open. Blocks from `void_from` on do not count.
    pub(super) fn finish_message(&mut self, void_from: Option<usize>, out: &mut Vec<Event>) {
        let Some(message) = self.message.take() else {
            return;
        };
        let half_calls: Vec<Id> = message.open.iter().filter_map(|(_, block)| block.call()).collect();
        for (_, block) in message.open {
            close(block, out);
        }
        self.abandon(message.shown, void_from, half_calls, out);
        self.finish_step(out);
    }

    fn abandon(&mut self, shown: Vec<(usize, Shown)>, from: Option<usize>, half: Vec<Id>, out: &mut Vec<Event>) {
        let (mut messages, mut calls) = (Vec::new(), half);
        for (_, void) in shown.into_iter().filter(|(index, _)| from.is_some_and(|from| *index >= from)) {
            match void {
                Shown::Message(id) => messages.push(id),
                Shown::Call(id) if !calls.contains(&id) => calls.push(id),
                Shown::Call(_) => {}
            }
        }
        for id in &calls {
            let why = "The call was cut off before it was complete; it was not executed.";
            self.tool_result(json!({ "tool_use_id": id.as_str(), "content": why, "is_error": true }), out);
        }
        if !messages.is_empty() || !calls.is_empty() {
            out.push(custom("ambient:abandoned", json!({ "messageIds": messages, "toolCallIds": calls })));
        }
    }
}

impl Block {
    fn call(&self) -> Option<Id> {
        match self {
            Self::Tool { id } => Some(id.clone()),
            Self::Text { .. } | Self::Thinking { .. } | Self::Unknown => None,
        }
    }
}

fn close(block: Block, out: &mut Vec<Event>) {
    match block {
        Block::Text { id: Some(id) } => out.push(blocks::close_text(id)),
        Block::Thinking { id, signature } => blocks::close_thought(id, signature, out),
        Block::Tool { id } => out.push(blocks::close_call(id)),
        Block::Text { id: None } | Block::Unknown => {}
    }
}
