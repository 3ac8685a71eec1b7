package query

import (
	"sort"
	"strconv"
	"strings"
)

// Node is a node in the tree of a call's parameters: a leaf has a Value, a structure Fields, a list Items.
type Node struct {
	// Value is a leaf's text.
	Value string
	// Fields are a structure's members; nil for leaves and lists.
	Fields map[string]*Node
	// Items are a list's elements, in order; nil for leaves and structures.
	Items []*Node
}

// Tree returns the call's parameters as a tree, without Action and Version, in EC2's variant (Name.1.Field).
func (p Params) Tree() *Node {
	root := &Node{Fields: map[string]*Node{}}
	for _, name := range p.sorted() {
		if name == "Action" || name == "Version" {
			continue
		}
		root.set(strings.Split(name, "."), p[name])
	}
	root.settle()
	return root
}

// sorted returns the parameters' names in order, so that the tree does not depend on the map's order.
func (p Params) sorted() []string {
	names := make([]string, 0, len(p))
	for name := range p {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// set stores a value at a path, and makes missing structures.
func (n *Node) set(path []string, value string) {
	for _, step := range path {
		if n.Fields == nil {
			n.Fields = map[string]*Node{}
		}
		if n.Fields[step] == nil {
			n.Fields[step] = &Node{}
		}
		n = n.Fields[step]
	}
	n.Value = value
}

// settle converts structures with members 1, 2, … to lists, beginning with the leaves.
func (n *Node) settle() {
	for _, child := range n.Fields {
		child.settle()
	}
	for i := 1; n.Fields[strconv.Itoa(i)] != nil; i++ {
		n.Items = append(n.Items, n.Fields[strconv.Itoa(i)])
	}
	if len(n.Items) > 0 {
		n.Fields = nil
	}
}
