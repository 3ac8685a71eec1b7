package deployment

import "slices"

// names are the resources that are only names here: parameters, keys, log groups, instance profiles, detectors; and
// dashboards, which have no list. Engine's mutex guards them.
type names map[string]bool

// named records a resource that is only a name, e.g. named("key", id), and returns the function that removes it.
func (e *Engine) named(kind, name string) (remove func() error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.names[kind+" "+name] = true
	return func() error {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.names, kind+" "+name)
		return nil
	}
}

// Leftovers returns all existing resources as "<kind> <name>", sorted. After the deletion of the last stack, they are the
// resources that stacks left. The account's users and the buckets of other accounts do not count, so that a new local AWS
// has none.
func (e *Engine) Leftovers() []string {
	var all []string
	add := func(kind string, names []string) {
		for _, name := range names {
			all = append(all, kind+" "+name)
		}
	}
	for _, bucket := range e.S3.Buckets() {
		if e.S3.Owner(bucket) == e.Gate.Options().Account {
			all = append(all, "bucket "+bucket)
		}
	}
	add("network", e.EC2.IDs())
	add("role", e.IAM.Roles())
	add("function", e.Lambda.Functions())
	add("topic", e.SNS.Topics())
	add("queue", e.SQS.Queues())
	for _, m := range e.Lambda.Mappings() {
		all = append(all, "event source mapping "+m.ID)
	}
	for _, trail := range e.Events.Trails() {
		all = append(all, "trail "+trail.Name)
	}
	for _, r := range e.Events.Rules() {
		all = append(all, "rule "+r.Name)
	}
	for _, a := range e.CloudWatch.Alarms() {
		all = append(all, "alarm "+a.Name)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for name := range e.names {
		all = append(all, name)
	}
	for queue := range e.queuePolicies {
		all = append(all, "policy of queue "+queue)
	}
	slices.Sort(all)
	return all
}
