package localaws

import "slices"

// names are the things that are nothing but names here: parameters, keys, log groups, instance profiles, detectors; and
// dashboards, which nobody lists. Cloud's mutex guards them.
type names map[string]bool

// named takes note of a thing that is nothing but a name, e.g. named("key", id), and returns what removes it.
func (c *Cloud) named(kind, name string) (remove func() error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.names[kind+" "+name] = true
	return func() error {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.names, kind+" "+name)
		return nil
	}
}

// Leftovers are all things that there are, as "<kind> <name>", in order: what a stack left behind, once the last one is
// deleted. An AWS in which nothing was created has none. The users of the account do not count, nor do the buckets of
// others.
func (c *Cloud) Leftovers() []string {
	var all []string
	add := func(kind string, names []string) {
		for _, name := range names {
			all = append(all, kind+" "+name)
		}
	}
	for _, bucket := range c.S3.Buckets() {
		if c.S3.Owner(bucket) == c.Gate.Options().Account {
			all = append(all, "bucket "+bucket)
		}
	}
	add("network", c.EC2.IDs())
	add("role", c.IAM.Roles())
	add("function", c.Lambda.Functions())
	add("topic", c.SNS.Topics())
	add("queue", c.SQS.Queues())
	for _, trail := range c.Events.Trails() {
		all = append(all, "trail "+trail.Name)
	}
	for _, r := range c.Events.Rules() {
		all = append(all, "rule "+r.Name)
	}
	for _, a := range c.CloudWatch.Alarms() {
		all = append(all, "alarm "+a.Name)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for name := range c.names {
		all = append(all, name)
	}
	for queue := range c.queuePolicies {
		all = append(all, "policy of queue "+queue)
	}
	slices.Sort(all)
	return all
}
