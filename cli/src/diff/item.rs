//! Compares two versions of an item.
//!
//! The comparison knows what the members mean: a missing one equals its default, some lists are
//! sets, and elements of lists are compared with their other version, wherever it is.

use std::collections::BTreeSet;

use serde_json::{Map, Number, Value};
use vexil::model::DataKind;

use super::align::Pairs;
use super::edit::{Change, Edits, Path};
use super::options::Ignored;
use crate::schema::{self, Alignment, Default, Group, Member, OPERATORS, Object, Shape};

/// Returns how two versions of an item differ, except in key, version and deletion.
pub(super) fn compare(kind: DataKind, left: &Value, right: &Value, ignored: Ignored) -> Edits {
    let shape = Shape::Object(match kind {
        DataKind::Flag => &schema::FLAG,
        DataKind::Segment => &schema::SEGMENT,
    });
    let mut comparison = Comparison::new(ignored);
    comparison.value(&Path::default(), left, right, shape);
    comparison.edits
}

/// Returns how two versions of an item differ as JSON, with nothing ignored but the order of
/// members.
pub(super) fn compare_exactly(left: &Value, right: &Value) -> Edits {
    let mut comparison = Comparison::new(Ignored::default());
    comparison.exact = true;
    comparison.value(&Path::default(), left, right, Shape::Plain);
    comparison.edits
}

/// A comparison under way.
struct Comparison {
    ignored: Ignored,
    /// Whether `1` differs from `1.0`.
    exact: bool,
    edits: Edits,
}

impl Comparison {
    fn new(ignored: Ignored) -> Self {
        Self {
            ignored,
            exact: false,
            edits: Edits::default(),
        }
    }

    fn value(&mut self, path: &Path, left: &Value, right: &Value, shape: Shape) {
        match (left, right, shape) {
            (Value::Object(left), Value::Object(right), Shape::Object(object)) => {
                self.object(path, left, right, object);
            }
            (Value::Array(left), Value::Array(right), Shape::List(element, alignment)) => {
                self.list(path, left, right, element, alignment, true);
            }
            (Value::Array(left), Value::Array(right), Shape::Unordered(element, alignment)) => {
                self.list(path, left, right, element, alignment, false);
            }
            (Value::Array(left), Value::Array(right), Shape::Places) => {
                self.places(path, left, right);
            }
            (Value::Array(left), Value::Array(right), Shape::Set) => self.set(path, left, right),
            (Value::Object(left), Value::Object(right), _) => self.plain(path, left, right),
            _ if self.exact && left == right => {}
            _ if !self.exact && canonical(left) == canonical(right) => {}
            _ => {
                let change = Change::Replaced(left.clone(), right.clone());
                self.edits.add(path.clone(), change);
            }
        }
    }

    fn object(
        &mut self,
        path: &Path,
        left: &Map<String, Value>,
        right: &Map<String, Value>,
        object: &'static Object,
    ) {
        for member in object.members {
            if self.ignored.has(member.group) {
                continue;
            }
            let path = path.member(member.name);
            match (written(left, member), written(right, member)) {
                (None, None) => {}
                (Some(one), Some(other)) => {
                    let (mine, its) = (shape_in(left, member), shape_in(right, member));
                    // The operands of different operators are compared in their order.
                    let shape = if matches!(mine, Shape::Set) {
                        its
                    } else {
                        mine
                    };
                    self.value(&path, one, other, shape);
                }
                (Some(one), None) => self.against_default(&path, one, left, member, true),
                (None, Some(other)) => self.against_default(&path, other, right, member, false),
            }
        }
        if self.ignored.has(Group::Unused) {
            return;
        }
        let unknown = |map: &Map<String, Value>| {
            let unknown = map.iter().filter(|(name, _)| object.member(name).is_none());
            unknown
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect::<Map<_, _>>()
        };
        self.plain(path, &unknown(left), &unknown(right));
    }

    /// A member that only one side has.
    fn against_default(
        &mut self,
        path: &Path,
        value: &Value,
        parent: &Map<String, Value>,
        member: &Member,
        is_left: bool,
    ) {
        let missing = match member.default {
            Default::EmptyList => Value::Array(Vec::new()),
            Default::EmptyObject => Value::Object(Map::new()),
            Default::False => Value::Bool(false),
            Default::Zero => Value::from(0),
            Default::Text(text) => Value::from(text),
            Default::User { .. } | Default::Null | Default::NullOrZero | Default::NullOrOne => {
                let change = if is_left {
                    Change::OnlyLeft(value.clone())
                } else {
                    Change::OnlyRight(value.clone())
                };
                self.edits.add(path.clone(), change);
                return;
            }
        };
        let shape = shape_in(parent, member);
        if is_left {
            self.value(path, value, &missing, shape);
        } else {
            self.value(path, &missing, value, shape);
        }
    }

    /// Objects without known members.
    fn plain(&mut self, path: &Path, left: &Map<String, Value>, right: &Map<String, Value>) {
        let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
        for name in names {
            let path = path.member(name);
            match (left.get(name), right.get(name)) {
                (Some(one), Some(other)) => self.value(&path, one, other, Shape::Plain),
                (Some(one), None) => self.edits.add(path, Change::OnlyLeft(one.clone())),
                (None, Some(other)) => self.edits.add(path, Change::OnlyRight(other.clone())),
                (None, None) => {}
            }
        }
    }

    fn list(
        &mut self,
        path: &Path,
        left: &[Value],
        right: &[Value],
        element: &'static Object,
        alignment: Alignment,
        ordered: bool,
    ) {
        let pairs = self.align(left, right, element, alignment);
        for index in pairs.only_left() {
            let path = path.element(index, name(&left[index], alignment));
            self.edits.add(path, Change::OnlyLeft(left[index].clone()));
        }
        for index in pairs.only_right() {
            let path = path.element(index, name(&right[index], alignment));
            self.edits
                .add(path, Change::OnlyRight(right[index].clone()));
        }
        if ordered && !self.ignored.order {
            for (from, to) in pairs.moved() {
                let path = path.element(from, name(&left[from], alignment));
                self.edits.add(path, Change::Moved { from, to });
            }
        }
        for (one, other) in pairs.pairs() {
            let path = path.element(one, name(&left[one], alignment));
            self.value(&path, &left[one], &right[other], Shape::Object(element));
        }
    }

    fn align(
        &self,
        left: &[Value],
        right: &[Value],
        element: &'static Object,
        alignment: Alignment,
    ) -> Pairs {
        let mut pairs = Pairs::new(left.len(), right.len());
        match alignment {
            Alignment::Place => pairs.by_place(|_, _| true),
            Alignment::Members(names) => {
                let key = |value: &Value| Some(members(value, element, names));
                pairs.by_key(
                    &left.iter().map(key).collect::<Vec<_>>(),
                    &right.iter().map(key).collect::<Vec<_>>(),
                );
            }
            Alignment::Id(_) | Alignment::Content => {
                let id = |value: &Value| name(value, alignment);
                let ids = |list: &[Value]| list.iter().map(id).collect::<Vec<_>>();
                let (left_ids, right_ids) = (ids(left), ids(right));
                pairs.by_key(&left_ids, &right_ids);
                let content = |value: &Value| {
                    let mut value = self.normal(value, Shape::Object(element));
                    if let (Value::Object(members), Alignment::Id(id)) = (&mut value, alignment) {
                        members.remove(id);
                    }
                    Some(value.to_string())
                };
                pairs.by_key(
                    &left.iter().map(content).collect::<Vec<_>>(),
                    &right.iter().map(content).collect::<Vec<_>>(),
                );
                // Two rules with different ids and different content are different rules.
                pairs.by_place(|one, other| {
                    self.ignored.ids || left_ids[one].is_none() || right_ids[other].is_none()
                });
            }
        }
        pairs
    }

    fn places(&mut self, path: &Path, left: &[Value], right: &[Value]) {
        for index in 0..left.len().max(right.len()) {
            let path = path.element(index, None);
            match (left.get(index), right.get(index)) {
                (Some(one), Some(other)) => self.value(&path, one, other, Shape::Plain),
                (Some(one), None) => self.edits.add(path, Change::OnlyLeft(one.clone())),
                (None, Some(other)) => self.edits.add(path, Change::OnlyRight(other.clone())),
                (None, None) => {}
            }
        }
    }

    fn set(&mut self, path: &Path, left: &[Value], right: &[Value]) {
        let elements = |list: &[Value]| -> BTreeSet<String> { list.iter().map(text_of).collect() };
        let (on_left, on_right) = (elements(left), elements(right));
        let mut only = |list: &[Value], other: &BTreeSet<String>, change: fn(Value) -> Change| {
            let mut seen = BTreeSet::new();
            for (index, value) in list.iter().enumerate() {
                let text = text_of(value);
                if !other.contains(&text) && seen.insert(text) {
                    let name = value.as_str().map(str::to_owned);
                    self.edits
                        .add(path.element(index, name), change(value.clone()));
                }
            }
        };
        only(left, &on_right, Change::OnlyLeft);
        only(right, &on_left, Change::OnlyRight);
    }

    /// Returns a value in the form that all equal values have.
    fn normal(&self, value: &Value, shape: Shape) -> Value {
        match (value, shape) {
            (Value::Object(map), Shape::Object(object)) => {
                let mut normal = Map::new();
                for member in object.members {
                    if self.ignored.has(member.group) {
                        continue;
                    }
                    if let Some(value) = written(map, member) {
                        let value = self.normal(value, shape_in(map, member));
                        if !is_empty(&value, member.default) {
                            normal.insert(member.name.to_owned(), value);
                        }
                    }
                }
                if !self.ignored.has(Group::Unused) {
                    let unknown = map.iter().filter(|(name, _)| object.member(name).is_none());
                    normal.extend(unknown.map(|(name, value)| (name.clone(), canonical(value))));
                }
                Value::Object(normal)
            }
            (Value::Array(list), Shape::List(element, _)) => {
                let elements = list.iter();
                elements
                    .map(|value| self.normal(value, Shape::Object(element)))
                    .collect()
            }
            (Value::Array(list), Shape::Unordered(element, _)) => {
                let elements = list.iter();
                sorted(elements.map(|value| self.normal(value, Shape::Object(element))))
            }
            (Value::Array(list), Shape::Set) => {
                let Value::Array(mut list) = sorted(list.iter().map(canonical)) else {
                    return Value::Null;
                };
                list.dedup();
                Value::Array(list)
            }
            _ => canonical(value),
        }
    }
}

/// Returns the value of a member, unless it is the default.
fn written<'v>(map: &'v Map<String, Value>, member: &Member) -> Option<&'v Value> {
    let value = map.get(member.name)?;
    let is_text = |text: &str| value.as_str() == Some(text);
    let is_number = |number: f64| value.as_f64() == Some(number);
    let is_default = match member.default {
        Default::Null => false,
        Default::NullOrZero | Default::Zero => is_number(0.0),
        Default::NullOrOne => is_number(1.0),
        Default::False => value == &Value::Bool(false),
        Default::Text(text) => is_text(text) || is_text(""),
        Default::User { unless_reference } => {
            let attribute = map.get(unless_reference).and_then(Value::as_str);
            let is_reference = attribute.is_some_and(|attribute| attribute.starts_with('/'));
            is_text("") || is_text("user") && !is_reference
        }
        Default::EmptyList | Default::EmptyObject => is_empty(value, member.default),
    };
    (!value.is_null() && !is_default).then_some(value)
}

fn is_empty(value: &Value, default: Default) -> bool {
    match (value, default) {
        (Value::Array(list), Default::EmptyList) => list.is_empty(),
        (Value::Object(map), Default::EmptyObject) => map.is_empty(),
        _ => false,
    }
}

/// Returns the shape of a member of this object.
fn shape_in(object: &Map<String, Value>, member: &Member) -> Shape {
    match member.shape {
        Shape::Operands => {
            let operator = object.get("op").and_then(Value::as_str).unwrap_or_default();
            if OPERATORS.contains(&operator) {
                Shape::Set
            } else {
                Shape::Plain
            }
        }
        shape => shape,
    }
}

/// Returns how people find an element: by its id, if it has one.
fn name(value: &Value, alignment: Alignment) -> Option<String> {
    let member = match alignment {
        Alignment::Id(member) => member,
        Alignment::Members([member]) => *member,
        Alignment::Members(_) | Alignment::Content | Alignment::Place => return None,
    };
    let id = value.get(member)?.as_str()?;
    (!id.is_empty()).then(|| id.to_owned())
}

/// Returns the values of some members of an element, or their defaults.
fn members(value: &Value, element: &Object, names: &[&str]) -> String {
    let value_of = |name: &&str| {
        let member = element.member(name)?;
        let written = value.as_object().and_then(|map| written(map, member));
        Some(written.map_or_else(|| member.default.json().into_owned(), text_of))
    };
    names
        .iter()
        .filter_map(value_of)
        .collect::<Vec<_>>()
        .join(" ")
}

fn text_of(value: &Value) -> String {
    canonical(value).to_string()
}

fn sorted(values: impl Iterator<Item = Value>) -> Value {
    let mut values: Vec<Value> = values.collect();
    values.sort_by_cached_key(Value::to_string);
    Value::Array(values)
}

/// Returns JSON in the form that all equal JSON has: `1.0` is `1`.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Number(number) => number
            .as_f64()
            .and_then(|float| {
                // Negative zero, too, equals zero.
                Number::from_f64(if float == 0.0 { 0.0 } else { float })
            })
            .map_or(Value::Null, Value::Number),
        Value::Array(list) => list.iter().map(canonical).collect(),
        Value::Object(map) => {
            let members = map.iter();
            members
                .map(|(name, value)| (name.clone(), canonical(value)))
                .collect()
        }
        other => other.clone(),
    }
}
