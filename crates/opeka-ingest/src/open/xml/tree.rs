//! Where elements stand, as XPaths: the elements that hold figures or say what they are, each by its
//! parent, its name, and its number among those of its name.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

/// An element of a [`Tree`]; the document itself is 0.
pub(crate) type Node = u32;

#[derive(Debug)]
struct Element {
    parent: Node,
    name: u32,
    /// From 1.
    index: u32,
    /// Whether it is the only one of its name beside it.
    alone: bool,
}

/// The elements of one file.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    elements: Vec<Element>,
    names: Names,
    /// Elements by parent, name and number; made when a path is looked up for the first time.
    found: OnceLock<BTreeMap<(Node, u32, u32), Node>>,
}

/// Names by small numbers.
#[derive(Debug, Default)]
pub(crate) struct Names {
    list: Vec<Box<str>>,
    ids: HashMap<Box<str>, u32>,
}

impl Names {
    pub(crate) fn id(&mut self, name: &str) -> u32 {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        let id = self.list.len() as u32;
        self.list.push(name.into());
        self.ids.insert(name.into(), id);
        id
    }

    pub(crate) fn get(&self, name: &str) -> Option<u32> {
        self.ids.get(name).copied()
    }

    pub(crate) fn name(&self, id: u32) -> &str {
        self.list.get(id as usize).map_or("", |name| name)
    }
}

/// How many children of each name an open element has had, and the first of them in the tree.
#[derive(Debug, Default)]
pub(crate) struct Children {
    few: Vec<(u32, u32, Node)>,
    many: HashMap<u32, (u32, Node)>,
}

impl Children {
    const FEW: usize = 16;

    /// Forgets all of them, and keeps the room.
    pub(crate) fn clear(&mut self) {
        self.few.clear();
        if !self.many.is_empty() {
            self.many = HashMap::new();
        }
    }

    /// Counts one more child of a name; its number, from 1.
    pub(crate) fn count(&mut self, name: u32) -> u32 {
        self.next(name).0
    }

    fn next(&mut self, name: u32) -> (u32, &mut Node) {
        if let Some(at) = self.few.iter().rposition(|few| few.0 == name) {
            let (_, count, first) = &mut self.few[at];
            *count += 1;
            return (*count, first);
        }
        if self.few.len() < Self::FEW {
            self.few.push((name, 0, 0));
            let at = self.few.len() - 1;
            let (_, count, first) = &mut self.few[at];
            *count += 1;
            return (*count, first);
        }
        let (count, first) = self.many.entry(name).or_default();
        *count += 1;
        (*count, first)
    }
}

impl Tree {
    pub(crate) fn name_id(&mut self, name: &str) -> u32 {
        self.names.id(name)
    }

    pub(crate) fn known_name(&self, name: &str) -> Option<u32> {
        self.names.get(name)
    }

    pub(crate) fn name(&self, id: u32) -> &str {
        self.names.name(id)
    }

    /// Adds an element to an open one.
    pub(crate) fn open(&mut self, parent: Node, beside: &mut Children, name: u32) -> Node {
        let node = self.elements.len() as Node + 1;
        let (index, first) = beside.next(name);
        match index {
            1 => *first = node,
            _ => {
                if let Some(first) = self.elements.get_mut((*first as usize).wrapping_sub(1)) {
                    first.alone = false;
                }
            }
        }
        self.elements.push(Element { parent, name, index, alone: index == 1 });
        node
    }

    pub(crate) fn parent(&self, node: Node) -> Node {
        self.element(node).map_or(0, |element| element.parent)
    }

    pub(crate) fn name_of(&self, node: Node) -> u32 {
        self.element(node).map_or(u32::MAX, |element| element.name)
    }

    fn element(&self, node: Node) -> Option<&Element> {
        self.elements.get((node as usize).checked_sub(1)?)
    }

    /// The XPath of an element; the document's is empty.
    pub(crate) fn path(&self, node: Node) -> String {
        let mut chain = Vec::new();
        let mut at = node;
        while let Some(element) = self.element(at) {
            chain.push(element);
            at = element.parent;
        }
        let mut path = String::new();
        for element in chain.into_iter().rev() {
            path.push('/');
            path.push_str(self.name(element.name));
            // Elements of which a file has many always say their number.
            let many = matches!(self.name(element.name), "Series" | "Section" | "Code");
            if !element.alone || many {
                path.push_str(&format!("[{}]", element.index));
            }
        }
        path
    }

    /// Follows a path as far as it leads: the element, and the rest of the path.
    pub(crate) fn follow<'p>(&self, path: &'p str) -> (Node, &'p str) {
        let found = self.found.get_or_init(|| {
            let nodes = (1..).zip(&self.elements);
            nodes.map(|(node, e)| ((e.parent, e.name, e.index), node)).collect()
        });
        let (mut node, mut rest) = (0, path);
        while let Some((name, index, after)) = step(rest) {
            let key = self.names.get(name).map(|name| (node, name, index));
            let Some(child) = key.and_then(|key| found.get(&key)) else { break };
            (node, rest) = (*child, after);
        }
        (node, rest)
    }
}

/// The first step of a path: `/Series[12]` as its name, its number, and what follows.
pub(crate) fn step(path: &str) -> Option<(&str, u32, &str)> {
    let rest = path.strip_prefix('/')?;
    let end = rest.find(['/', '[', ']', '(', ')', '=']).unwrap_or(rest.len());
    let (name, after) = rest.split_at(end);
    if let Some((index, rest)) = after.strip_prefix('[').and_then(|after| after.split_once(']'))
        && let Ok(index) = index.parse()
    {
        return Some((name, index, rest));
    }
    (!after.starts_with('[')).then_some((name, 1, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_number_what_is_not_alone() {
        let mut tree = Tree::default();
        let (mut top, mut below) = (Children::default(), Children::default());
        let (root, set) = (tree.name_id("GenericData"), tree.name_id("DataSet"));
        let root = tree.open(0, &mut top, root);
        let first = tree.open(root, &mut below, set);
        assert_eq!(tree.path(first), "/GenericData/DataSet");
        let second = tree.open(root, &mut below, set);
        assert_eq!(tree.path(first), "/GenericData/DataSet[1]");
        assert_eq!(tree.path(second), "/GenericData/DataSet[2]");
        let path = "/GenericData/DataSet[2]/Series[3]/@x";
        assert_eq!(tree.follow(path), (second, "/Series[3]/@x"));
        assert_eq!(tree.parent(second), root);
    }

    #[test]
    fn children_are_counted_also_where_their_names_are_many() {
        let mut children = Children::default();
        for name in 0..100 {
            assert_eq!(children.count(name), 1);
        }
        assert_eq!((children.count(3), children.count(99)), (2, 2));
    }
}
