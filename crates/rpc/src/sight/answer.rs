//! The class of what a call answers, and an answer without what is above a class.

use alloy_json_abi::{Function, Param, StateMutability};
use serde_json::Value;

use super::{Tag, Visibility};
use crate::{
    natspec::Notices,
    rest::{is_list, key},
};

/// Judges the calls and events of one module by its interface.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Judge<'a> {
    /// What the interfaces say.
    pub(crate) notices: &'a Notices,
    /// The module.
    pub(crate) module: &'a str,
}

impl Judge<'_> {
    /// Class of a call: of a view the strictest word of its answer, of a write that of its rehearsal, members'
    /// unless it says otherwise.
    pub(crate) fn call(self, function: &Function) -> Visibility {
        if is_view(function) {
            return self.parts(function).into_iter().max().unwrap_or(Visibility::Scope);
        }
        self.tag(function).map_or(Visibility::Scope, Tag::class)
    }

    /// Class of the part of a view's answer that most may see.
    pub(crate) fn least(self, function: &Function) -> Visibility {
        self.parts(function).into_iter().min().unwrap_or(Visibility::Scope)
    }

    /// Class of an event; members' where nothing is said.
    pub(crate) fn event(self, name: &str) -> Visibility {
        let tag = self.notices.tag(self.module, "event", name);
        tag.map_or(Visibility::Scope, Tag::class)
    }

    /// Classes of the fields of a struct; members' where it is not known.
    pub(crate) fn fields(self, param: &Param) -> Vec<Visibility> {
        let names = param.components.iter().map(|field| field.name.clone()).collect();
        match self.notices.classes(self.module, names) {
            Some(classes) => classes.to_vec(),
            None => vec![Visibility::Scope; param.components.len()],
        }
    }

    /// Puts null where a view's answer is above a class.
    pub(crate) fn mask(self, function: &Function, answer: &mut Value, most: Visibility) {
        let tag = self.tag(function);
        if tag == Some(Tag::Holder) {
            return;
        }
        let outputs = function.outputs.as_slice();
        if let [output] = outputs
            && (output.name.is_empty() || output.ty == "tuple")
        {
            return self.mask_one(output, tag, answer, most);
        }
        for (n, output) in outputs.iter().enumerate() {
            if !is_cursor(function, output)
                && let Some(value) = answer.get_mut(key(output, n))
            {
                self.mask_one(output, tag, value, most);
            }
        }
    }

    fn mask_one(self, param: &Param, tag: Option<Tag>, value: &mut Value, most: Visibility) {
        let floor = tag.map(Tag::class);
        if floor.is_some_and(|floor| floor > most) || (!is_struct(param) && floor.is_none()) {
            *value = Value::Null;
        } else if is_struct(param) {
            self.mask_struct(param, value, most);
        }
    }

    fn mask_struct(self, param: &Param, value: &mut Value, most: Visibility) {
        match value {
            Value::Array(items) => {
                for item in items {
                    self.mask_struct(param, item, most);
                }
            }
            Value::Object(fields) => {
                let classes = self.fields(param);
                for (n, (field, class)) in param.components.iter().zip(classes).enumerate() {
                    let Some(value) = fields.get_mut(&key(field, n)) else { continue };
                    if class > most {
                        *value = Value::Null;
                    } else if is_struct(field) {
                        self.mask_struct(field, value, most);
                    }
                }
            }
            _ => {}
        }
    }

    fn tag(self, function: &Function) -> Option<Tag> {
        self.notices.tag(self.module, "function", &function.name)
    }

    /// Classes of all values of a view's answer but the cursor of a list.
    fn parts(self, function: &Function) -> Vec<Visibility> {
        let tag = self.tag(function);
        if tag == Some(Tag::Holder) {
            return vec![Visibility::Public];
        }
        let floor = tag.map(Tag::class);
        let mut parts = Vec::new();
        for output in function.outputs.iter().filter(|output| !is_cursor(function, output)) {
            if is_struct(output) {
                self.leaves(output, floor.unwrap_or(Visibility::Public), &mut parts);
            } else {
                parts.push(floor.unwrap_or(Visibility::Scope));
            }
        }
        parts
    }

    fn leaves(self, param: &Param, floor: Visibility, parts: &mut Vec<Visibility>) {
        for (field, class) in param.components.iter().zip(self.fields(param)) {
            if is_struct(field) {
                self.leaves(field, class.max(floor), parts);
            } else {
                parts.push(class.max(floor));
            }
        }
    }
}

fn is_view(function: &Function) -> bool {
    matches!(function.state_mutability, StateMutability::View | StateMutability::Pure)
}

fn is_struct(param: &Param) -> bool {
    param.ty.starts_with("tuple")
}

/// Whether an output only says where a list goes on.
fn is_cursor(function: &Function, output: &Param) -> bool {
    output.name == "next" && is_list(function)
}
