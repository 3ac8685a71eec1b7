package health

import (
	"fmt"

	"example.com/s3-endpoint-guard/internal/metrics"
)

// Exit is a part of the bucket's configuration by which S3 itself carries data or names out of the bucket, or which
// changes it for good. The template declares none.
type Exit struct {
	// Name names the part, e.g. "replication"; What says what it does.
	Name, What string
}

// threat is something that the guard does not restore, and that opens the bucket, destroys its data or silences the guard.
type threat struct {
	// name is stable, for filters of the log; why is for people.
	name, why string
}

// judgeWatch counts all threats in one metric, because each of them is usually absent. The log names them. What could
// not be read is counted in CheckFailed.
func (t Criteria) judgeWatch(r *Report, s Snapshot) {
	var threats []threat
	r.made(BucketExits, s.Exits.Err)
	for _, x := range s.Exits.Value {
		threats = append(threats, threat{x.Name, fmt.Sprintf("bucket %s: %s", t.Setting.Bucket, x.What)})
	}
	r.made(AccessPoints, s.AccessPoints.Err)
	for _, name := range s.AccessPoints.Value {
		threats = append(threats, threat{"access-point", fmt.Sprintf("bucket %s has the access point %s", t.Setting.Bucket, name)})
	}
	threats = append(threats, t.judgeNetwork(r, s)...)
	threats = append(threats, t.judgeDeployment(r, s)...)
	for _, x := range threats {
		r.Problems = append(r.Problems, Problem{Metric: metrics.SecurityFindings, Finding: x.name, Why: x.why})
	}
	r.count(metrics.SecurityFindings, len(threats))
}
