package iampolicy

// Verdict is what comparing a live policy with the desired one comes to.
type Verdict string

// The verdicts, from harmless to worst.
const (
	// Same: the two documents mean the same; nothing needs to be written.
	Same Verdict = "same"
	// Closed: they differ, but every probe is still denied.
	Closed Verdict = "closed"
	// Open: some probe is allowed, or the live document cannot be judged.
	Open Verdict = "open"
)

// Setting names the things that the two guarded policies are about.
type Setting struct {
	Partition, Region, Account, Bucket, EndpointID, VPCID string
	// Workload, ProbeRole, Teardown and Guard are role ARNs. ProbeRole and Teardown may be "".
	Workload, ProbeRole, Teardown, Guard string
}

// Probe is one request that must be denied.
type Probe struct {
	Name    string
	Request Request
}

// Judgement is the outcome of [Judge].
type Judgement struct {
	Verdict Verdict
	// Allowed names the probe that is allowed and by what, or why the document cannot be judged; "" unless Open.
	Allowed string
	// Diff lists the statements that differ.
	Diff []Change
}

// BucketProbes lists requests that the bucket policy must deny.
func BucketProbes(s Setting) []Probe { return nil }

// EndpointProbes lists requests that the endpoint policy must deny.
func EndpointProbes(s Setting) []Probe { return nil }

// Judge compares a live document with the desired one. An empty live document stands for no policy.
func Judge(desired, live []byte, probes []Probe) Judgement {
	return Judgement{Verdict: Open, Allowed: "not written yet"}
}

// Lockout says whether the desired bucket policy would lock out those who configure the bucket.
func Lockout(desired []byte, s Setting) error { return nil }
