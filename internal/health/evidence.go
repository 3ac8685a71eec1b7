package health

import (
	"fmt"
	"slices"
	"strings"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// judgeKey judges the key of the topic. Only a key that is enabled can be used: every message fails otherwise.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
func judgeKey(d Deployment) []threat {
	if d.id("NotificationKey") == "" || d.Key.Value == "Enabled" {
		return nil
	}
	return []threat{{"key-disabled", fmt.Sprintf("key %s of the notifications is %s: nobody is told anything", d.id("NotificationKey"), d.Key.Value)}}
}

// judgeDashboard compares the time of the dashboard's latest change with CloudFormation's.
func judgeDashboard(d Deployment) []threat {
	r := d.Resources["Dashboard"]
	if r.PhysicalID == "" {
		return nil
	}
	i := slices.IndexFunc(d.Dashboards.Value, func(b Dashboard) bool { return b.Name == r.PhysicalID })
	if i < 0 {
		return []threat{{"dashboard-deleted", "dashboard " + r.PhysicalID + " does not exist any more"}}
	}
	if changed := d.Dashboards.Value[i].Changed; changed.After(r.Changed.Add(slack)) {
		return []threat{{"dashboard-changed", byOthers("dashboard "+r.PhysicalID, changed, r)}}
	}
	return nil
}

// judgeTrailBucket compares the bucket of the stack's own trail with the template.
func judgeTrailBucket(d Deployment) []threat {
	bucket := d.id("TrailBucket")
	if bucket == "" {
		return nil
	}
	var threats []threat
	if !d.OwnTrailPolicy {
		threats = append(threats, threat{"trail-bucket-policy", fmt.Sprintf("trail bucket %s: its policy is not the template's: %s", bucket, d.TrailBucket.Value.Policy)})
	}
	if drift := d.TrailBucket.Value.Lifecycle; len(drift) > 0 {
		threats = append(threats, threat{"trail-bucket-lifecycle", fmt.Sprintf("trail bucket %s: its lifecycle rules differ: %s", bucket, strings.Join(drift, "; "))})
	}
	return threats
}

// trailBucketPolicy returns the policy of the trail's bucket in template.yaml. The tests compare them.
func (t Criteria) trailBucketPolicy(d Deployment) string {
	bucket := iampolicy.BucketARN(t.Setting.Partition, d.id("TrailBucket"))
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[`+
		`{"Sid":"TrailChecksBucket","Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:GetBucketAcl","Resource":%[1]q,`+
		`"Condition":{"StringEquals":{"aws:SourceArn":%[2]q}}},`+
		`{"Sid":"TrailWritesFiles","Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject","Resource":"%[1]s/AWSLogs/%[3]s/*",`+
		`"Condition":{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control","aws:SourceArn":%[2]q}}},`+
		`{"Sid":"DenyOtherWriters","Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"%[1]s/*","Condition":{"BoolIfExists":{"aws:PrincipalIsAWSService":"false"}}},`+
		`{"Sid":"DenyPlainHTTP","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":[%[1]q,"%[1]s/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`,
		bucket, t.arn("cloudtrail", "trail/"+d.id("Trail")), t.Setting.Account)
}

// judgeOwnTrail compares the stack's own trail with the template. If no trail logs management writes, TrailLogging says so, and
// nothing is said here. Without an own trail, all that log must fail to deliver: one that delivers is enough.
func judgeOwnTrail(d Deployment, trails Reading[[]CloudTrail]) []threat {
	var logging []CloudTrail
	for _, c := range trails.Value {
		if c.Logging && c.logsWrites() {
			logging = append(logging, c)
		}
	}
	if own := d.id("Trail"); own != "" && len(logging) > 0 {
		i := slices.IndexFunc(trails.Value, func(c CloudTrail) bool { return c.Name == own })
		if i < 0 && trails.Err != nil { // perhaps the one that could not be read
			return nil
		}
		if i < 0 {
			return []threat{{"trail-changed", "trail " + own + " of the stack does not exist any more"}}
		}
		return judgeDeclaredTrail(trails.Value[i], d.id("TrailBucket"))
	}
	delivers := func(c CloudTrail) bool { return c.DeliveryError == "" }
	if len(logging) == 0 || slices.ContainsFunc(logging, delivers) || trails.Err != nil {
		return nil
	}
	return []threat{undelivered(logging[0])}
}

// judgeDeclaredTrail judges the stack's own trail.
func judgeDeclaredTrail(c CloudTrail, bucket string) []threat {
	var threats []threat
	if !c.Logging || !c.logsWrites() {
		threats = append(threats, threat{"trail-changed", "trail " + c.Name + " of the stack logs no management writes any more; another trail does"})
	}
	if c.Bucket != bucket || !c.Validated || c.Key != "" {
		threats = append(threats, threat{"trail-changed", fmt.Sprintf("trail %s: it writes to bucket %q with key %q and digests %t, want bucket %q, no key and digests",
			c.Name, c.Bucket, c.Key, c.Validated, bucket)})
	}
	if c.DeliveryError != "" {
		threats = append(threats, undelivered(c))
	}
	return threats
}

func undelivered(c CloudTrail) threat {
	return threat{"trail-undelivered", fmt.Sprintf("trail %s cannot write its files: %s. Events still arrive", c.Name, c.DeliveryError)}
}
