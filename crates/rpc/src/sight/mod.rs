//! Who sees what. Each row of the book has a class, which the interfaces tell (`@custom:visibility`); a node
//! whose readers are members answers everybody else with public rows only.
//!
//! One rule for every door: a call by name is judged by what it would answer, a JSON-RPC method by the
//! [list](methods) of those that are open, and an execution by every call of native code that it reaches.

mod answer;
pub(crate) mod methods;
mod reader;
mod table;
#[cfg(test)]
mod tests;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

pub(crate) use answer::Judge;
pub(crate) use reader::Reader;
use table::sight_of;
pub(crate) use table::{call_class, call_name, event_class};

/// Who may read rows of the class `scope`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Readers {
    /// Whoever reaches the node.
    #[default]
    Anyone,
    /// Who signed in with an account that belongs to the estate.
    Members,
}

impl Readers {
    /// As it is written in settings and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::Members => "members",
        }
    }
}

impl fmt::Display for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Readers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named =
            [Self::Anyone, Self::Members].into_iter().find(|readers| readers.name() == text);
        named.ok_or_else(|| format!("{text:?} are no readers: anyone or members"))
    }
}

/// Class of a row, the strictest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Visibility {
    /// Everybody.
    Public,
    /// Members of the estate.
    Scope,
    /// Nobody but whom the person lets. Nobody can be let yet.
    Private,
}

/// What is written at a function, an event or a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Tag {
    /// For whoever can name what is asked for, because the name is a secret in itself: it stands above the
    /// classes of the fields.
    Holder,
    /// At least this class.
    Class(Visibility),
}

impl Tag {
    /// The word after `@custom:visibility`.
    pub(crate) fn read(word: &str) -> Option<Self> {
        match word {
            "holder" => Some(Self::Holder),
            "public" => Some(Self::Class(Visibility::Public)),
            "scope" => Some(Self::Class(Visibility::Scope)),
            "private" => Some(Self::Class(Visibility::Private)),
            _ => None,
        }
    }

    /// The class of what has nothing but this tag.
    pub(crate) fn class(self) -> Visibility {
        match self {
            Self::Holder => Visibility::Public,
            Self::Class(class) => class,
        }
    }
}
