//! A record as cells of a table: what CSV and XLSX write, in the order of the record's members.

use std::fmt::Write as _;

use serde::ser::{self, Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, Serializer};

/// A cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// Nothing.
    Empty,
    /// A number.
    Number(f64),
    /// A whole number.
    Whole(i64),
    /// Text: a list is parted by `; `, a sealed field shows its marker.
    Text(&'a str),
}

/// What takes the cells of a record.
pub trait Row {
    /// Takes the next cell, with the name of its member.
    fn cell(&mut self, name: &str, cell: Cell<'_>);
}

/// Gives the members of a record, in order, as cells.
///
/// # Errors
/// When the value is no record.
pub fn cells_of<T: Serialize>(item: &T, row: &mut dyn Row) -> Result<(), NoTable> {
    item.serialize(Record { row })
}

/// The value is no record, or holds what no cell can.
#[derive(Debug, thiserror::Error)]
#[error("not a record: {0}")]
pub struct NoTable(String);

impl ser::Error for NoTable {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

type Never = Impossible<(), NoTable>;

fn no<T>() -> Result<T, NoTable> {
    Err(NoTable("a row is a record with named members".into()))
}

struct Record<'a> {
    row: &'a mut dyn Row,
}

struct Members<'a> {
    row: &'a mut dyn Row,
    /// The name that comes before a value, in a record that has parts of others in it.
    name: String,
    text: String,
}

impl Members<'_> {
    fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), NoTable> {
        self.text.clear();
        match value.serialize(Value { text: &mut self.text })? {
            Kind::Empty => self.row.cell(name, Cell::Empty),
            Kind::Number(number) => self.row.cell(name, Cell::Number(number)),
            Kind::Whole(number) => self.row.cell(name, Cell::Whole(number)),
            Kind::Text => self.row.cell(name, Cell::Text(&self.text)),
        }
        Ok(())
    }
}

impl SerializeMap for Members<'_> {
    type Ok = ();
    type Error = NoTable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NoTable> {
        self.name.clear();
        key.serialize(Value { text: &mut self.name }).map(|_| ())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoTable> {
        let name = std::mem::take(&mut self.name);
        self.member(&name, value)?;
        self.name = name;
        Ok(())
    }

    fn end(self) -> Result<(), NoTable> {
        Ok(())
    }
}

impl SerializeStruct for Members<'_> {
    type Ok = ();
    type Error = NoTable;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), NoTable> {
        self.member(name, value)
    }

    fn end(self) -> Result<(), NoTable> {
        Ok(())
    }
}

/// What a member turned out to be; text is in the buffer.
enum Kind {
    Empty,
    Number(f64),
    Whole(i64),
    Text,
}

/// Writes one member into a buffer.
struct Value<'a> {
    text: &'a mut String,
}

impl Value<'_> {
    fn put(self, text: &str) -> Result<Kind, NoTable> {
        self.text.push_str(text);
        Ok(Kind::Text)
    }
}

/// A list, or a member that is a record itself.
struct Inner<'a> {
    text: &'a mut String,
    first: bool,
    /// Whether a marker stands for the whole.
    marked: bool,
}

impl Inner<'_> {
    fn part<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoTable> {
        if !std::mem::take(&mut self.first) {
            self.text.push_str("; ");
        }
        let text = &mut *self.text;
        match value.serialize(Value { text })? {
            Kind::Number(number) => write!(self.text, "{number}").map_err(ser::Error::custom),
            Kind::Whole(number) => write!(self.text, "{number}").map_err(ser::Error::custom),
            Kind::Empty | Kind::Text => Ok(()),
        }
    }
}

impl SerializeSeq for Inner<'_> {
    type Ok = Kind;
    type Error = NoTable;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoTable> {
        self.part(value)
    }
    fn end(self) -> Result<Kind, NoTable> {
        Ok(Kind::Text)
    }
}

impl SerializeStruct for Inner<'_> {
    type Ok = Kind;
    type Error = NoTable;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), NoTable> {
        if name == "withheld" {
            self.marked = true;
            self.text.push_str("[withheld: ");
            value.serialize(Value { text: self.text })?;
            self.text.push(']');
        } else if !self.marked {
            self.part(&format_args!("{name}: "))?;
            self.first = true;
            self.part(value)?;
        }
        Ok(())
    }
    fn end(self) -> Result<Kind, NoTable> {
        Ok(Kind::Text)
    }
}

impl SerializeMap for Inner<'_> {
    type Ok = Kind;
    type Error = NoTable;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NoTable> {
        self.part(key)?;
        self.text.push_str(": ");
        self.first = true;
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoTable> {
        self.part(value)
    }
    fn end(self) -> Result<Kind, NoTable> {
        Ok(Kind::Text)
    }
}

/// The kinds of values that a serializer refuses or passes on alike, said once.
macro_rules! refused {
    ($ok:ty, $($name:ident($($argument:ident: $type:ty),*)),+ $(,)?) => {
        $(fn $name(self, $($argument: $type),*) -> Result<$ok, NoTable> { $(let _ = $argument;)* no() })+
    };
}

impl<'a> Serializer for Record<'a> {
    type Ok = ();
    type Error = NoTable;
    type SerializeSeq = Never;
    type SerializeTuple = Never;
    type SerializeTupleStruct = Never;
    type SerializeTupleVariant = Never;
    type SerializeMap = Members<'a>;
    type SerializeStruct = Members<'a>;
    type SerializeStructVariant = Never;

    refused!((), serialize_bool(v: bool), serialize_i8(v: i8), serialize_i16(v: i16), serialize_i32(v: i32),
        serialize_i64(v: i64), serialize_u8(v: u8), serialize_u16(v: u16), serialize_u32(v: u32), serialize_u64(v: u64),
        serialize_f32(v: f32), serialize_f64(v: f64), serialize_char(v: char), serialize_str(v: &str),
        serialize_bytes(v: &[u8]), serialize_none(), serialize_unit(), serialize_unit_struct(n: &'static str),
        serialize_unit_variant(n: &'static str, i: u32, v: &'static str));
    refused!(Never, serialize_seq(n: Option<usize>), serialize_tuple(n: usize),
        serialize_tuple_struct(n: &'static str, l: usize),
        serialize_tuple_variant(n: &'static str, i: u32, v: &'static str, l: usize),
        serialize_struct_variant(n: &'static str, i: u32, v: &'static str, l: usize));

    fn serialize_map(self, _: Option<usize>) -> Result<Members<'a>, NoTable> {
        Ok(Members { row: self.row, name: String::new(), text: String::new() })
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), NoTable> {
        value.serialize(self)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), NoTable> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), NoTable> {
        no()
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Members<'a>, NoTable> {
        Ok(Members { row: self.row, name: String::new(), text: String::new() })
    }
}

impl<'a> Serializer for Value<'a> {
    type Ok = Kind;
    type Error = NoTable;
    type SerializeSeq = Inner<'a>;
    type SerializeTuple = Impossible<Kind, NoTable>;
    type SerializeTupleStruct = Impossible<Kind, NoTable>;
    type SerializeTupleVariant = Impossible<Kind, NoTable>;
    type SerializeMap = Inner<'a>;
    type SerializeStruct = Inner<'a>;
    type SerializeStructVariant = Impossible<Kind, NoTable>;

    fn serialize_bool(self, v: bool) -> Result<Kind, NoTable> {
        self.put(if v { "true" } else { "false" })
    }
    fn serialize_i8(self, v: i8) -> Result<Kind, NoTable> {
        Ok(Kind::Whole(v.into()))
    }
    fn serialize_i16(self, v: i16) -> Result<Kind, NoTable> {
        Ok(Kind::Whole(v.into()))
    }
    fn serialize_i32(self, v: i32) -> Result<Kind, NoTable> {
        Ok(Kind::Whole(v.into()))
    }
    fn serialize_i64(self, v: i64) -> Result<Kind, NoTable> {
        Ok(Kind::Whole(v))
    }
    fn serialize_u8(self, v: u8) -> Result<Kind, NoTable> {
        Ok(Kind::Whole(v.into()))
    }
    fn serialize_u16(self, v: u16) -> Result<Kind, NoTable> {
        Ok(Kind::Whole(v.into()))
    }
    fn serialize_u32(self, v: u32) -> Result<Kind, NoTable> {
        Ok(Kind::Whole(v.into()))
    }
    fn serialize_u64(self, v: u64) -> Result<Kind, NoTable> {
        match i64::try_from(v) {
            Ok(whole) => Ok(Kind::Whole(whole)),
            Err(_) => self.put(&v.to_string()),
        }
    }
    fn serialize_f32(self, v: f32) -> Result<Kind, NoTable> {
        Ok(Kind::Number(v.into()))
    }
    fn serialize_f64(self, v: f64) -> Result<Kind, NoTable> {
        Ok(Kind::Number(v))
    }
    fn serialize_char(self, v: char) -> Result<Kind, NoTable> {
        self.put(v.encode_utf8(&mut [0; 4]))
    }
    fn serialize_str(self, v: &str) -> Result<Kind, NoTable> {
        self.put(v)
    }
    fn collect_str<T: std::fmt::Display + ?Sized>(self, v: &T) -> Result<Kind, NoTable> {
        write!(self.text, "{v}").map_err(ser::Error::custom)?;
        Ok(Kind::Text)
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<Kind, NoTable> {
        no()
    }
    fn serialize_none(self) -> Result<Kind, NoTable> {
        Ok(Kind::Empty)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Kind, NoTable> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<Kind, NoTable> {
        Ok(Kind::Empty)
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<Kind, NoTable> {
        Ok(Kind::Empty)
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Kind, NoTable> {
        self.put(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<Kind, NoTable> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<Kind, NoTable> {
        value.serialize(self)
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Inner<'a>, NoTable> {
        Ok(Inner { text: self.text, first: true, marked: false })
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Inner<'a>, NoTable> {
        Ok(Inner { text: self.text, first: true, marked: false })
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Inner<'a>, NoTable> {
        Ok(Inner { text: self.text, first: true, marked: false })
    }
    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, NoTable> {
        no()
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, NoTable> {
        no()
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, NoTable> {
        no()
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, NoTable> {
        no()
    }
}
