//! Enumerations that a newer Mews may extend.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Declares an enumeration with an `Unknown` variant that keeps what came.
///
/// Reading never fails: what is no string becomes `Unknown("")`.
macro_rules! open_enum {
    ($(#[$meta:meta])* $name:ident {
        $($(#[$vmeta:meta])* $variant:ident = $text:literal $(| $alias:literal)*),+ $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$vmeta])* $variant,)+
            /// A value this version does not know, as it came; empty where it was no text.
            Unknown(String),
        }

        impl $name {
            /// The value as the wire spells it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Unknown(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text $(| $alias)* => Self::$variant,)+
                    other => Self::Unknown(other.to_owned()),
                }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::Unknown(String::new())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                out.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                let word = $crate::mews::wire::open_enum::Word::deserialize(input)?;
                Ok(Self::from(word.0.as_str()))
            }
        }
    };
}
pub(crate) use open_enum;

/// Any JSON value, reduced to its text if it is a string.
pub(crate) struct Word(pub(crate) String);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(WordVisitor)
    }
}

struct WordVisitor;

/// The value of everything that is no text.
fn no_text<E>() -> Result<Word, E> {
    Ok(Word(String::new()))
}

impl<'de> Visitor<'de> for WordVisitor {
    type Value = Word;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word")
    }

    fn visit_str<E>(self, text: &str) -> Result<Word, E> {
        Ok(Word(text.to_owned()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Word, E> {
        no_text()
    }

    fn visit_i64<E>(self, _: i64) -> Result<Word, E> {
        no_text()
    }

    fn visit_u64<E>(self, _: u64) -> Result<Word, E> {
        no_text()
    }

    fn visit_f64<E>(self, _: f64) -> Result<Word, E> {
        no_text()
    }

    fn visit_unit<E>(self) -> Result<Word, E> {
        no_text()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Word, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        no_text()
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Word, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        no_text()
    }
}
