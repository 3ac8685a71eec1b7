package deployment

import "slices"

// names are the things that are nothing but names here: parameters, keys, log groups, instance profiles, detectors; and
// dashboards, which nobody lists. Engine's mutex guards them.
type names map[string]bool

// named takes note of a thing that is nothing but a name, e.g. named("key", id), and returns what removes it.
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

// Leftovers are all things that there are, as "<kind> <name>", in order: what a stack left behind, once the last one is
// deleted. An AWS in which nothing was created has none. The users of the account do not count, nor do the buckets of
// others.
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
