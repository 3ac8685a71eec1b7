package policyfiles

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"example.com/s3-endpoint-guard/internal/audit"
)

// tfFile is the JSON that terraform show -json prints of a plan or a state.
// https://developer.hashicorp.com/terraform/internals/json-format
type tfFile struct {
	FormatVersion   string     `json:"format_version"`
	ResourceChanges []tfChange `json:"resource_changes"`
	Configuration   *struct {
		RootModule tfModule `json:"root_module"`
	}
	Values *struct {
		RootModule tfValues `json:"root_module"`
	} // of a state
	Errored bool
}

// tfChange is the change of one resource instance, or of a data source that is read only when the plan is applied.
type tfChange struct {
	Address       string
	ModuleAddress string `json:"module_address"`
	Mode          string
	Type          string
	Name          string
	Index         any
	Change        struct {
		Actions      []string
		Before       map[string]any
		After        map[string]any
		AfterUnknown any `json:"after_unknown"`
	}
}

// tfModule is a module of the configuration.
type tfModule struct {
	Resources   []tfResource
	ModuleCalls map[string]struct{ Module tfModule } `json:"module_calls"`
}

type tfResource struct {
	Mode, Type, Name string
	Expressions      map[string]any
}

// tfValues is a module of a state.
type tfValues struct {
	Address   string
	Resources []struct {
		Address, Mode, Type, Name string
		Index                     any
		Values                    map[string]any
	}
	ChildModules []tfValues `json:"child_modules"`
}

// tfReader reads one plan or state.
type tfReader struct {
	found   *Found
	name    string
	file    tfFile
	isState bool
}

func (f *Found) readTerraform(name string, data []byte) error {
	r := &tfReader{found: f, name: name}
	if err := json.Unmarshal(data, &r.file); err != nil {
		return fmt.Errorf("reading it as Terraform's JSON: %w", err)
	}
	if major, _, _ := strings.Cut(r.file.FormatVersion, "."); major != "0" && major != "1" {
		return fmt.Errorf("format_version %q is not known: want 0.x or 1.x", r.file.FormatVersion)
	}
	if r.file.Errored {
		return errors.New("the plan is not complete, because planning it failed")
	}
	if r.file.Values != nil {
		r.isState = true
		r.file.ResourceChanges = append(r.file.ResourceChanges, r.file.Values.RootModule.changes()...)
	}
	for _, read := range []func(*tfChange){r.bucket, r.endpoint, r.policy, r.endpointPolicy, r.block, r.ownership} {
		for i := range r.file.ResourceChanges {
			if c := &r.file.ResourceChanges[i]; c.Mode != "data" {
				read(c)
			}
		}
	}
	return nil
}

// changes returns a state's resources as changes that change nothing.
func (v tfValues) changes() []tfChange {
	var all []tfChange
	for _, r := range v.Resources {
		c := tfChange{Address: r.Address, ModuleAddress: v.Address, Mode: r.Mode, Type: r.Type, Name: r.Name, Index: r.Index}
		c.Change.Actions, c.Change.After = []string{"no-op"}, r.Values
		all = append(all, c)
	}
	for _, child := range v.ChildModules {
		all = append(all, child.changes()...)
	}
	return all
}

// deleted reports whether the resource is gone after the plan.
func (c *tfChange) deleted() bool {
	return slices.Equal(c.Change.Actions, []string{"delete"}) || slices.Equal(c.Change.Actions, []string{"forget"})
}

// value returns an attribute after the plan, or before it if the resource is deleted. Unknown attributes are not known:
// false.
func (c *tfChange) value(name string) (v any, known bool) {
	if c.deleted() {
		return c.Change.Before[name], true
	}
	unknown, _ := c.Change.AfterUnknown.(map[string]any)
	return c.Change.After[name], c.Change.AfterUnknown != true && unknown[name] != true
}

func (c *tfChange) text(name string) (text string, known bool) {
	v, known := c.value(name)
	text, _ = v.(string)
	return text, known
}

func (r *tfReader) origin(c *tfChange) audit.Origin {
	return audit.Origin{File: r.name, Line: 1, Address: c.Address}
}

// config returns the configuration of a resource; nil if the file does not have it.
func (r *tfReader) config(c *tfChange) *tfResource {
	if r.file.Configuration == nil {
		return nil
	}
	module := &r.file.Configuration.RootModule
	for _, call := range moduleCalls(c.ModuleAddress) {
		m, ok := module.ModuleCalls[call]
		if !ok {
			return nil
		}
		module = &m.Module
	}
	for i, res := range module.Resources {
		mode := c.Mode
		if mode == "" {
			mode = "managed"
		}
		if res.Type == c.Type && res.Name == c.Name && res.Mode == mode {
			return &module.Resources[i]
		}
	}
	return nil
}

var moduleStep = regexp.MustCompile(`module\.([A-Za-z0-9_-]+)(?:\[(?:"(?:[^"\\]|\\.)*"|[0-9]+)\])?\.?`)

// moduleCalls returns the names in a module's address: module.a["x"].module.b gives a and b.
func moduleCalls(address string) []string {
	var names []string
	for _, m := range moduleStep.FindAllStringSubmatch(address, -1) {
		names = append(names, m[1])
	}
	return names
}

// references lists what an attribute's expression refers to, the most specific references only: of "a.b.c" and "a.b" the
// first.
func (r *tfReader) references(c *tfChange, attribute string) []string {
	res := r.config(c)
	if res == nil {
		return nil
	}
	return referencesIn(res.Expressions[attribute])
}

func referencesIn(expression any) []string {
	var all []string
	switch e := expression.(type) {
	case []any:
		for _, item := range e {
			all = append(all, referencesIn(item)...)
		}
	case map[string]any:
		if list, ok := e["references"].([]any); ok {
			for _, item := range list {
				if text, ok := item.(string); ok {
					all = append(all, text)
				}
			}
			break
		}
		for _, item := range e {
			all = append(all, referencesIn(item)...)
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return slices.DeleteFunc(all, func(a string) bool {
		return slices.ContainsFunc(all, func(b string) bool { return strings.HasPrefix(b, a+".") || strings.HasPrefix(b, a+"[") })
	})
}

// later describes an attribute that is known only after the plan is applied.
func (r *tfReader) later(c *tfChange, attribute string) string {
	return knownLater(r.references(c, attribute))
}

func knownLater(references []string) string {
	if len(references) == 0 {
		return "a value known after apply"
	}
	return strings.Join(references, ", ") + " (known after apply)"
}

// referred returns the resource of a type to which an attribute refers, in the same module: the one with the same index,
// if there are several instances. nil if it is not clear which it is.
func (r *tfReader) referred(c *tfChange, attribute, mode, kind string) *tfChange {
	prefix := kind + "."
	if mode == "data" {
		prefix = "data." + prefix
	}
	var names []string
	for _, reference := range r.references(c, attribute) {
		rest, ok := strings.CutPrefix(reference, prefix)
		if !ok {
			return nil
		}
		name, _, _ := strings.Cut(rest, ".")
		name, _, _ = strings.Cut(name, "[")
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) != 1 {
		return nil
	}
	var same []*tfChange
	for i := range r.file.ResourceChanges {
		to := &r.file.ResourceChanges[i]
		isData := to.Mode == "data"
		if to.Type == kind && to.Name == names[0] && to.ModuleAddress == c.ModuleAddress && isData == (mode == "data") {
			same = append(same, to)
		}
	}
	if len(same) == 1 {
		return same[0]
	}
	for _, to := range same {
		if to.Index != nil && to.Index == c.Index {
			return to
		}
	}
	return nil
}

const (
	tfBucket         = "aws_s3_bucket"
	tfBucketPolicy   = "aws_s3_bucket_policy"
	tfEndpoint       = "aws_vpc_endpoint"
	tfEndpointPolicy = "aws_vpc_endpoint_policy"
	tfDocument       = "aws_iam_policy_document"
	tfBlock          = "aws_s3_bucket_public_access_block"
	tfOwnership      = "aws_s3_bucket_ownership_controls"
)

// bucket reads a bucket. Old providers have the policy in the bucket; newer ones show there what S3 answered last, which
// does not count: only a policy in the configuration does.
func (r *tfReader) bucket(c *tfChange) {
	if c.Type != tfBucket || c.deleted() {
		return
	}
	b := r.found.bucket(r.nameOf(c))
	b.Title = c.Address
	if name, known := c.text("bucket"); known && name != "" {
		b.Title = ""
	}
	if res := r.config(c); res != nil && res.Expressions["policy"] != nil {
		b.Policy = r.document(c)
	}
}

// nameOf returns a bucket's name, or an unknown value that is the same for the same bucket.
func (r *tfReader) nameOf(c *tfChange) string {
	if name, known := c.text("bucket"); known && name != "" {
		return name
	}
	return audit.Unknown("name of " + c.Address)
}

// owner returns the bucket that a policy or a setting is about; nil if that bucket is deleted, too.
func (r *tfReader) owner(c *tfChange) *audit.Bucket {
	name, known := c.text("bucket")
	if to := r.referred(c, "bucket", "managed", tfBucket); !known && to != nil {
		name = r.nameOf(to)
	} else if !known {
		name = audit.Unknown("bucket of " + c.Address)
	}
	for i := range r.file.ResourceChanges {
		other := &r.file.ResourceChanges[i]
		if other.Type == tfBucket && other.deleted() && r.nameOf(other) == name {
			return nil
		}
	}
	b := r.found.bucket(name)
	if b.Title == "" && audit.IsUnknown(name) {
		b.Title = c.Address
	}
	return b
}

func (r *tfReader) policy(c *tfChange) {
	if c.Type != tfBucketPolicy {
		return
	}
	b := r.owner(c)
	if b == nil {
		return
	}
	if !c.deleted() {
		b.Policy = r.document(c)
		return
	}
	b.Policy = audit.Document{Origin: r.origin(c)}
	r.found.note(r.name, "%s is deleted: the bucket has no policy then", c.Address)
}

// document reads the attribute policy.
func (r *tfReader) document(c *tfChange) audit.Document {
	d := audit.Document{Origin: r.origin(c)}
	text, known := c.text("policy")
	if known {
		d.Text = text
		return d
	}
	if data := r.referred(c, "policy", "data", tfDocument); data != nil && isWhole(r.references(c, "policy")) {
		if d.Text = r.deferred(data); d.Text != "" {
			return d
		}
	}
	d.Unread = r.later(c, "policy")
	return d
}

// isWhole reports whether a policy's expression refers to nothing but the JSON of one policy document.
func isWhole(references []string) bool {
	if len(references) != 1 {
		return false
	}
	return strings.HasSuffix(references[0], ".json") || strings.HasSuffix(references[0], ".minified_json")
}

// deferred makes the JSON of a policy document that Terraform can only read when the plan is applied, because some of its
// values are not known yet: these stay unknown. It returns "" if even the list of statements is not known.
// https://registry.terraform.io/providers/hashicorp/aws/latest/docs/data-sources/iam_policy_document
func (r *tfReader) deferred(c *tfChange) string {
	unknown, _ := c.Change.AfterUnknown.(map[string]any)
	for _, merged := range []string{"source_policy_documents", "override_policy_documents", "source_json", "override_json"} {
		list, _ := c.Change.After[merged].([]any)
		if text, _ := c.Change.After[merged].(string); len(list) > 0 || text != "" || isUnknown(unknown[merged]) {
			return ""
		}
	}
	blocks, known := c.Change.After["statement"].([]any)
	if !known || unknown["statement"] == true {
		return ""
	}
	s := tfStatements{unknown: listAt(unknown["statement"])}
	if res := r.config(c); res != nil {
		if s.config = listAt(res.Expressions["statement"]); len(s.config) != len(blocks) {
			s.config = nil // blocks of a dynamic block are not in the configuration
			s.later = knownLater(referencesIn(res.Expressions))
		}
	}
	statements := []any{}
	for i, block := range blocks {
		statements = append(statements, s.statement(i, block))
	}
	version, _ := c.Change.After["version"].(string)
	if version == "" {
		version = "2012-10-17"
	}
	text, err := json.Marshal(map[string]any{"Version": version, "Statement": statements})
	if err != nil {
		return ""
	}
	return string(text)
}

// isUnknown reports whether a part of after_unknown contains an unknown value.
func isUnknown(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case []any:
		return slices.ContainsFunc(v, isUnknown)
	case map[string]any:
		for _, member := range v {
			if isUnknown(member) {
				return true
			}
		}
	}
	return false
}

func listAt(v any) []any {
	list, _ := v.([]any)
	return list
}

func at(list []any, i int) any {
	if i < len(list) {
		return list[i]
	}
	return nil
}

func member(v any, name string) any {
	object, _ := v.(map[string]any)
	return object[name]
}

// tfStatements converts the statement blocks of a policy document.
type tfStatements struct {
	unknown, config []any
	later           string // the description of unknown values if config does not show them
}

// what describes the unknown values of an attribute of a statement.
func (s tfStatements) what(i int, attribute string) string {
	if s.config == nil && s.later != "" {
		return s.later
	}
	return knownLater(referencesIn(member(at(s.config, i), attribute)))
}

// tfStatement is a statement block being converted: its values after the plan, and which of them are unknown.
type tfStatement struct {
	tfStatements
	index          int
	block, unknown any
	out            map[string]any
}

func (s tfStatements) statement(i int, block any) any {
	b := tfStatement{s, i, block, at(s.unknown, i), map[string]any{"Effect": "Allow"}}
	if b.unknown == true {
		return b.mark("statement")
	}
	for _, name := range []struct{ from, to string }{{"sid", "Sid"}, {"effect", "Effect"}} {
		if text, _ := member(block, name.from).(string); text != "" {
			b.out[name.to] = text
		} else if member(b.unknown, name.from) == true {
			b.out[name.to] = b.mark(name.from)
		}
	}
	for _, name := range []struct{ from, to string }{
		{"actions", "Action"}, {"not_actions", "NotAction"}, {"resources", "Resource"}, {"not_resources", "NotResource"},
	} {
		values, unknown := member(block, name.from), member(b.unknown, name.from)
		if len(listAt(values)) > 0 || unknown == true {
			b.out[name.to] = b.texts(values, unknown, name.from)
		}
	}
	b.principals("principals", "Principal")
	b.principals("not_principals", "NotPrincipal")
	b.conditions()
	return b.out
}

// mark returns an unknown value of an attribute.
func (b tfStatement) mark(attribute string) string { return audit.Unknown(b.what(b.index, attribute)) }

// texts returns a list of which elements may be unknown.
func (b tfStatement) texts(values, unknown any, attribute string) any {
	if unknown == true {
		return b.mark(attribute)
	}
	list := listAt(values)
	out := make([]any, len(list))
	for i, v := range list {
		if out[i] = v; at(listAt(unknown), i) == true {
			out[i] = b.mark(attribute)
		}
	}
	return out
}

// principals converts blocks with a type and a list of identifiers.
func (b tfStatement) principals(from, to string) {
	unknown := member(b.unknown, from)
	if unknown == true {
		b.out[to] = b.mark(from)
		return
	}
	byType := map[string]any{}
	for i, p := range listAt(member(b.block, from)) {
		kind, _ := member(p, "type").(string)
		switch kind {
		case "*":
			b.out[to] = "*"
			return
		case "":
			b.out[to] = b.mark(from)
			return
		}
		identifiers := b.texts(member(p, "identifiers"), member(at(listAt(unknown), i), "identifiers"), from)
		byType[kind] = joined(byType[kind], identifiers)
		b.out[to] = byType
	}
}

// joined joins two lists. An unknown value in place of a list becomes an element.
func joined(a, b any) any {
	if a == nil {
		return b
	}
	list, isList := a.([]any)
	more, alsoList := b.([]any)
	if !isList || !alsoList {
		return []any{a, b}
	}
	return append(list, more...)
}

// conditions converts blocks with an operator, a key and a list of values.
func (b tfStatement) conditions() {
	unknown := member(b.unknown, "condition")
	conditions := map[string]any{}
	for i, block := range listAt(member(b.block, "condition")) {
		test, _ := member(block, "test").(string)
		variable, _ := member(block, "variable").(string)
		if test == "" || variable == "" {
			unknown = true
			break
		}
		keys, _ := conditions[test].(map[string]any)
		if keys == nil {
			keys = map[string]any{}
			conditions[test] = keys
		}
		values := b.texts(member(block, "values"), member(at(listAt(unknown), i), "values"), "condition")
		keys[variable] = joined(keys[variable], values)
	}
	switch {
	case unknown == true:
		b.out["Condition"] = b.mark("condition")
	case len(conditions) > 0:
		b.out["Condition"] = conditions
	}
}

// endpoint reads an endpoint for S3. Its attribute policy is known after apply if nothing sets it: then it has the
// default policy.
func (r *tfReader) endpoint(c *tfChange) {
	if c.Type != tfEndpoint || c.deleted() {
		return
	}
	service, known := c.text("service_name")
	if !known {
		r.found.note(r.name, "%s is not judged: its service is not known (%s)", c.Address, r.later(c, "service_name"))
		return
	}
	if !isS3(service) {
		return
	}
	e := audit.Endpoint{ID: r.endpointID(c), Title: c.Address, Region: regionOf(service)}
	e.Account, _ = c.text("owner_id")
	e.VPCID, _ = c.text("vpc_id")
	if !audit.IsUnknown(e.ID) {
		e.Title = ""
	}
	e.Policy.Origin = r.origin(c)
	res := r.config(c)
	if _, known := c.text("policy"); known || res != nil && res.Expressions["policy"] != nil {
		e.Policy = r.document(c)
	}
	r.found.Endpoints = append(r.found.Endpoints, e)
}

func (r *tfReader) endpointID(c *tfChange) string {
	if id, known := c.text("id"); known && id != "" {
		return id
	}
	return audit.Unknown("id of " + c.Address)
}

func (r *tfReader) endpointPolicy(c *tfChange) {
	if c.Type != tfEndpointPolicy {
		return
	}
	id, known := c.text("vpc_endpoint_id")
	if to := r.referred(c, "vpc_endpoint_id", "managed", tfEndpoint); !known && to != nil {
		id = r.endpointID(to)
	}
	i := slices.IndexFunc(r.found.Endpoints, func(e audit.Endpoint) bool { return id != "" && e.ID == id })
	if i < 0 {
		if !c.deleted() {
			r.found.note(r.name, "%s is not judged: it is not known whether its endpoint is for S3", c.Address)
		}
		return
	}
	r.found.Endpoints[i].Policy = audit.Document{Origin: r.origin(c)}
	if !c.deleted() {
		r.found.Endpoints[i].Policy = r.document(c)
	}
}

func (r *tfReader) block(c *tfChange) {
	if c.Type != tfBlock {
		return
	}
	b := r.owner(c)
	if b == nil {
		return
	}
	flag := func(name string) audit.Flag {
		v, known := c.value(name)
		switch {
		case c.deleted():
			return audit.Off
		case !known:
			return audit.NotKnown
		}
		return flagOf(v)
	}
	b.PublicAccessBlock = &audit.PublicAccessBlock{
		BlockPublicAcls: flag("block_public_acls"), IgnorePublicAcls: flag("ignore_public_acls"),
		BlockPublicPolicy: flag("block_public_policy"), RestrictPublicBuckets: flag("restrict_public_buckets"),
		Origin: r.origin(c),
	}
}

func (r *tfReader) ownership(c *tfChange) {
	if c.Type != tfOwnership {
		return
	}
	b := r.owner(c)
	if b == nil {
		return
	}
	b.Ownership = &audit.Ownership{Origin: r.origin(c)}
	if c.deleted() {
		return
	}
	rules, known := c.value("rule")
	value, isText := member(at(listAt(rules), 0), "object_ownership").(string)
	if !known || !isText {
		b.Ownership.Unread = r.later(c, "rule")
		return
	}
	b.Ownership.Value = value
}
