package lock_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/lock"
)

const docs = "quay-docs"

// statements splits a document.
func statements(t *testing.T, document string) []string {
	t.Helper()
	var d struct{ Statement []json.RawMessage }
	if err := json.Unmarshal([]byte(document), &d); err != nil {
		t.Fatal(err)
	}
	list := make([]string, len(d.Statement))
	for i, s := range d.Statement {
		list[i] = string(s)
	}
	return list
}

func join(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

// allow is a statement of somebody else's.
func allow(sid, principal, action, resource string, condition ...string) string {
	s := fmt.Sprintf(`{"Sid":%q,"Effect":"Allow","Principal":%s,"Action":%q,"Resource":"arn:aws:s3:::quay-docs%s"`, sid, principal, action, resource)
	if len(condition) > 0 {
		s += `,"Condition":` + condition[0]
	}
	return s + "}"
}

func aws(arn string) string      { return `{"AWS":"` + arn + `"}` }
func service(name string) string { return `{"Service":"` + name + `"}` }

const (
	onOwnBehalf = `{"StringEquals":{"aws:SourceAccount":"111122223333"}}`
	requireKMS  = `{"Sid":"RequireKMS","Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::quay-docs/*","Condition":{"StringNotEquals":{"s3:x-amz-server-side-encryption":"aws:kms"}}}`
)

// What is beside the lock's statements in a live policy: it stays if it opens nothing. What opens something is named with its
// statement and a request, and is taken out; nothing else is.
func TestForeignStatementsBesideTheLock(t *testing.T) {
	workload := changed(func(p *lock.Parameters) { p.WorkloadRoleARNs = app })
	services := changed(func(p *lock.Parameters) { p.AllowAWSServices = "true" })
	exempt := changed(func(p *lock.Parameters) { p.ExemptRoleARNs = partner })
	for name, c := range map[string]struct {
		parameters lock.Parameters
		foreign    string
		// named are parts of the reason; none for a statement that stays.
		named []string
	}{
		"a Deny":                                 {workload, requireKMS, nil},
		"data for a role of the account":         {workload, allow("Report", aws(report), "s3:GetObject", "/*"), nil},
		"data for a role, without workloads":     {parameters(), allow("Report", aws(report), "s3:GetObject", "/*"), nil},
		"what the account's IAM decides":         {parameters(), allow("Account", aws("arn:aws:iam::111122223333:root"), "s3:*", "/*"), nil},
		"logs for the account":                   {services, allow("Logs", service("logging.s3.amazonaws.com"), "s3:PutObject", "/*", onOwnBehalf), nil},
		"logs in the account's folder":           {services, allow("Logs", service("cloudtrail.amazonaws.com"), "s3:PutObject", "/AWSLogs/111122223333/*"), nil},
		"a service for an ARN of the account":    {services, allow("Export", service("logs.amazonaws.com"), "s3:PutObject", "/*", `{"ArnLike":{"aws:SourceArn":"arn:aws:logs:*:111122223333:*"}}`), nil},
		"the same as a text":                     {services, allow("CDN", service("cloudfront.amazonaws.com"), "s3:GetObject", "/*", `{"StringLike":{"AWS:SourceArn":"arn:aws:cloudfront::111122223333:distribution/*"}}`), nil},
		"a look at the ACL by a service":         {services, allow("Acl", service("cloudtrail.amazonaws.com"), "s3:GetBucketAcl", ""), nil},
		"everyone, denied to all but a workload": {workload, allow("All", `"*"`, "s3:GetObject", "/*"), nil},
		"an exempt role of another account":      {exempt, allow("Partner", aws(partner), "s3:GetObject", "/*"), nil},

		"everyone through the endpoint": {parameters(), allow("All", `"*"`, "s3:GetObject", "/*"),
			[]string{"anonymous caller through the endpoint: s3:GetObject", "policy: All)"}},
		"a role of another account": {parameters(), allow("Partner", aws(partner), "s3:GetObject", "/*"),
			[]string{partner + " through the endpoint: s3:GetObject on arn:aws:s3:::quay-docs/any", "Partner"}},
		"another account": {parameters(), allow("Partner", aws("arn:aws:iam::999900001111:root"), "s3:PutObject", "/*"),
			[]string{"user of account 999900001111 through the endpoint: s3:PutObject", "Partner"}},
		"a service, services not let in": {parameters(), allow("Logs", service("logging.s3.amazonaws.com"), "s3:PutObject", "/*", onOwnBehalf),
			[]string{"logging.s3.amazonaws.com through the endpoint: s3:PutObject", "Logs"}},
		"a service for everybody": {services, allow("CDN", service("cloudfront.amazonaws.com"), "s3:GetObject", "/*"),
			[]string{"cloudfront.amazonaws.com from the internet: s3:GetObject", "CDN"}},
		"a service for another account": {services,
			allow("CDN", service("cloudfront.amazonaws.com"), "s3:GetObject", "/*", `{"StringEquals":{"aws:SourceAccount":"999900001111"}}`),
			[]string{"cloudfront.amazonaws.com from the internet: s3:GetObject", "CDN"}},
		"a service that reads the account's logs": {services, allow("CDN", service("cloudfront.amazonaws.com"), "s3:GetObject", "/AWSLogs/111122223333/*"),
			[]string{"cloudfront.amazonaws.com from the internet: s3:GetObject", "CDN"}},
		"a service for an ARN that any account can have": {services,
			allow("Export", service("logs.amazonaws.com"), "s3:PutObject", "/*", `{"StringLike":{"aws:SourceArn":"arn:aws:logs:*:111122223333:*"}}`),
			[]string{"logs.amazonaws.com from the internet: s3:PutObject", "Export"}},
		"a service if it says for whom": {services,
			allow("CDN", service("cloudfront.amazonaws.com"), "s3:GetObject", "/*", `{"StringEqualsIfExists":{"aws:SourceAccount":"111122223333"}}`),
			[]string{"cloudfront.amazonaws.com from the internet: s3:GetObject", "CDN"}},
		"the policy itself, for a role of the account": {workload, allow("Policy", aws(report), "s3:PutBucketPolicy", ""), []string{"Policy allows", "s3:PutBucketPolicy"}},
	} {
		t.Run(name, func(t *testing.T) {
			l := mustLock(t, c.parameters)
			own := statements(t, l.BucketPolicy(docs))
			harmless := allow("Harmless", aws(report), "s3:GetObjectTagging", "/*")
			live := join(append(append([]string{harmless}, own...), c.foreign)...)
			j := l.Judge(lock.AtLeast, docs, live)
			if len(c.named) == 0 {
				if j.Verdict != iampolicy.Same || j.Write != "" {
					t.Errorf("%s: %s, and would be written: %s; want it left alone", j.Verdict, j.Allowed, j.Write)
				}
				return
			}
			if j.Verdict != iampolicy.Open || j.Compared != iampolicy.Open {
				t.Fatalf("%s, want open", j.Verdict)
			}
			for _, part := range c.named {
				if !strings.Contains(j.Allowed, part) {
					t.Errorf("%q, want %q in it", j.Allowed, part)
				}
			}
			if want := join(append([]string{harmless}, own...)...); !iampolicy.Equal(parse(t, j.Write), parse(t, want)) {
				t.Errorf("would be written: %s, want %s", j.Write, want)
			}
			if after := l.Judge(lock.AtLeast, docs, j.Write); after.Verdict != iampolicy.Same {
				t.Errorf("what was written is %s: %s", after.Verdict, after.Allowed)
			}
			if exact := l.Judge(lock.Exact, docs, live); exact.Verdict != iampolicy.Open || exact.Write != l.BucketPolicy(docs) {
				t.Errorf("Exact: %s, %s, want the lock alone", exact.Verdict, exact.Write)
			}
		})
	}
}

// In the mode AtLeast a policy that holds the lock is left alone, whoever wrote it, and in whatever words. In the mode Exact it has
// drifted.
func TestAPolicyThatHoldsTheLockIsLeftAlone(t *testing.T) {
	all := changed(func(p *lock.Parameters) {
		p.VPCEndpointIDs, p.WorkloadRoleARNs = endpoint+","+endpoint2, app+","+report
		p.ManagementRoleARNs, p.ExemptRoleARNs, p.AllowedCIDRs = terraform, backup, "203.0.113.0/24"
	})
	l := mustLock(t, all)
	own := l.BucketPolicy(docs)
	both := `"Resource":["arn:aws:s3:::quay-docs","arn:aws:s3:::quay-docs/*"]`
	tls := `{"Effect":"Deny","Principal":"*","Action":"s3:*",` + both + `,"Condition":{"Bool":{"aws:SecureTransport":"false"}}}`
	outside := func(condition string) string {
		return `{"Effect":"Deny","Principal":"*","Action":"s3:*",` + both + `,"Condition":{` + condition + `}}`
	}
	strangers := outside(`"ArnNotLike":{"aws:PrincipalArn":["` + app + `","` + report + `"]}`)
	for name, live := range map[string]string{
		"other Sids":            strings.NewReplacer("DenyPlainHTTP", "A", "DenyObjectsOutsideEndpoint", "B").Replace(own),
		"two statements":        join(tls, outside(`"StringNotEquals":{"aws:SourceVpce":["`+endpoint2+`","`+endpoint+`"]}`), strangers),
		"one of the endpoints":  join(tls, outside(`"StringNotEquals":{"aws:SourceVpce":"`+endpoint2+`"}`), strangers),
		"everything is denied":  join(outside(`"Bool":{"aws:SecureTransport":["true","false"]}`), strings.Replace(tls, `,"Condition":{"Bool":{"aws:SecureTransport":"false"}}`, "", 1)),
		"with the network":      join(tls, outside(`"StringNotEquals":{"aws:SourceVpce":["`+endpoint2+`","`+endpoint+`"]},"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}`), strangers),
		"with the exempt role":  join(tls, outside(`"StringNotEquals":{"aws:SourceVpce":"`+endpoint+`"},"ArnNotEquals":{"aws:PrincipalArn":"`+backup+`"}`), strangers),
		"with another Deny too": join(append(statements(t, own), requireKMS)...),
	} {
		t.Run(name, func(t *testing.T) {
			j := l.Judge(lock.AtLeast, docs, live)
			if j.Verdict != iampolicy.Same || j.Write != "" || j.Allowed != "" {
				t.Errorf("%s: %s, and would be written: %s; want it left alone", j.Verdict, j.Allowed, j.Write)
			}
			exact := l.Judge(lock.Exact, docs, live)
			if exact.Verdict != iampolicy.Closed || exact.Write != own {
				t.Errorf("Exact: %s, %s, want drift that is corrected", exact.Verdict, exact.Write)
			}
		})
	}
	for name, live := range map[string]string{
		"no policy":            "",
		"not a policy":         "{}",
		"a foreign endpoint":   join(tls, outside(`"StringNotEquals":{"aws:SourceVpce":["`+endpoint+`","vpce-0123456789abcdef0"]}`), strangers),
		"a wider network":      join(tls, outside(`"StringNotEquals":{"aws:SourceVpce":"`+endpoint+`"},"NotIpAddress":{"aws:SourceIp":"203.0.0.0/16"}`), strangers),
		"another exempt role":  join(tls, outside(`"StringNotEquals":{"aws:SourceVpce":"`+endpoint+`"},"ArnNotEquals":{"aws:PrincipalArn":"`+terraform+`"}`), strangers),
		"an organisation":      join(tls, outside(`"StringNotEquals":{"aws:SourceVpce":"`+endpoint+`","aws:PrincipalOrgID":"o-1234567890"}`), strangers),
		"one more workload":    join(tls, outside(`"StringNotEquals":{"aws:SourceVpce":"`+endpoint+`"}`), outside(`"ArnNotLike":{"aws:PrincipalArn":["`+app+`","`+report+`x"]}`)),
		"plain HTTP":           join(outside(`"StringNotEquals":{"aws:SourceVpce":"`+endpoint+`"}`), strangers),
		"strangers are let in": join(tls, outside(`"StringNotEquals":{"aws:SourceVpce":"`+endpoint+`"}`)),
	} {
		t.Run(name, func(t *testing.T) {
			j := l.Judge(lock.AtLeast, docs, live)
			if j.Verdict != iampolicy.Open || j.Allowed == "" {
				t.Fatalf("%s, want open with a reason", j.Verdict)
			}
			if after := l.Judge(lock.AtLeast, docs, j.Write); after.Verdict != iampolicy.Same {
				t.Errorf("what was written, %s, is %s: %s", j.Write, after.Verdict, after.Allowed)
			}
		})
	}
}

// No request that the lock permits is among those that must be denied, and its second endpoint is not outside.
func TestWhatTheLockPermitsIsNotForbidden(t *testing.T) {
	l := mustLock(t, changed(func(p *lock.Parameters) {
		p.VPCEndpointIDs, p.WorkloadRoleARNs = endpoint+","+endpoint2, app+","+report
		p.ManagementRoleARNs, p.ExemptRoleARNs, p.AllowedCIDRs, p.AllowAWSServices = terraform, backup, "198.51.100.0/24", "true"
	}))
	if open := iampolicy.Allowed([]byte(l.BucketPolicy(docs)), l.ForbiddenOnBucket(docs)); open != "" {
		t.Errorf("the lock allows what it must deny: %s", open)
	}
	tried := map[string]bool{}
	for _, f := range l.ForbiddenOnBucket(docs) {
		from := f.From()
		through := ""
		if ids := from.Context["aws:SourceVpce"]; len(ids) > 0 {
			through = ids[0]
		}
		tried[from.Principal+" "+through] = true
		if secure := from.Context["aws:SecureTransport"][0] == "true"; secure && (through == endpoint || through == endpoint2) && (from.Principal == app || from.Principal == report) {
			t.Errorf("forbidden: %s", f.Name())
		}
	}
	for _, want := range []string{report + " vpce-0ffffffffffffffff", "arn:aws:iam::111122223333:user/administrator " + endpoint2} {
		if !tried[want] {
			t.Errorf("%s is not tried", want)
		}
	}
}

// After a change of the parameters the guard writes its own statements anew, also where they deny more than the new lock: otherwise a
// role or an endpoint that was added would never get in. Statements of others stay.
func TestTheLockForEarlierParametersIsWrittenAnew(t *testing.T) {
	all := changed(func(p *lock.Parameters) {
		p.VPCEndpointIDs, p.WorkloadRoleARNs = endpoint+","+endpoint2, app+","+report
		p.ManagementRoleARNs, p.ExemptRoleARNs, p.AllowedCIDRs = terraform, backup, "203.0.113.0/24"
		p.AllowAWSServices = "true"
	})
	for name, change := range map[string]func(*lock.Parameters){
		"endpoint":        func(p *lock.Parameters) { p.VPCEndpointIDs = endpoint },
		"workload":        func(p *lock.Parameters) { p.WorkloadRoleARNs = app },
		"every principal": func(p *lock.Parameters) { p.WorkloadRoleARNs = "" },
		"manager":         func(p *lock.Parameters) { p.ManagementRoleARNs = "" },
		"exempt role":     func(p *lock.Parameters) { p.ExemptRoleARNs = "" },
		"network":         func(p *lock.Parameters) { p.AllowedCIDRs = "" },
		"services":        func(p *lock.Parameters) { p.AllowAWSServices = "false" },
	} {
		other := all
		change(&other)
		for _, to := range [][2]lock.Parameters{{all, other}, {other, all}} {
			before, after := mustLock(t, to[0]), mustLock(t, to[1])
			live := join(append([]string{requireKMS}, statements(t, before.BucketPolicy(docs))...)...)
			want := parse(t, join(append([]string{requireKMS}, statements(t, after.BucketPolicy(docs))...)...))
			if j := after.Judge(lock.AtLeast, docs, live); !iampolicy.Equal(parse(t, j.Write), want) {
				t.Errorf("%s: %s, would be written: %s, want %s", name, j.Verdict, j.Write, want)
			} else if again := after.Judge(lock.AtLeast, docs, j.Write); again.Verdict != iampolicy.Same {
				t.Errorf("%s: what was written is %s", name, again.Verdict)
			}
			after.Renewed = false
			if j := after.Judge(lock.AtLeast, docs, live); j.Verdict == iampolicy.Closed {
				t.Errorf("%s: a policy that somebody else wrote is %s, want it left alone or open", name, j.Verdict)
			}
		}
	}
}

// The Sids by which the lock knows its own statements are those that it renders.
func TestTheLocksSidsAreKnown(t *testing.T) {
	l := mustLock(t, changed(func(p *lock.Parameters) { p.WorkloadRoleARNs, p.AllowAWSServices = app, "true" }))
	own := l.BucketPolicy(docs)
	for _, v := range parse(t, own).Views() {
		second := `{"Sid":"` + v.Sid + `","Effect":"Deny","Principal":"*","Action":"s3:PutBucketLogging","Resource":"arn:aws:s3:::quay-docs"}`
		j := l.Judge(lock.AtLeast, docs, join(append(statements(t, own), second)...))
		if j.Verdict != iampolicy.Closed || !iampolicy.Equal(parse(t, j.Write), parse(t, own)) {
			t.Errorf("a second statement %s is %s, and would be written: %s, want it gone", v.Sid, j.Verdict, j.Write)
		}
	}
}

// A live policy that is filled up must not keep the guard from writing: what does not fit beside the lock goes.
func TestAFullPolicyIsCorrectedAllTheSame(t *testing.T) {
	l := mustLock(t, parameters())
	opens := allow("All", `"*"`, "s3:GetObject", "/*")
	grants := []string{opens}
	for i := 0; len(join(grants...)) < 19<<10; i++ {
		grants = append(grants, allow(fmt.Sprintf("Grant%d", i), aws(report), "s3:GetObject", fmt.Sprintf("/folder-%d/*", i)))
	}
	long := `{"Sid":"Long","Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::quay-docs/` + strings.Repeat("a", 19<<10) + `"}`
	// Beside this Deny, the lock's own one for plain HTTP is not needed; it does not fit.
	tls := strings.Replace(long, `}`, `,"arn:aws:s3:::quay-docs","arn:aws:s3:::quay-docs/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}`, 1)
	tls = strings.NewReplacer(`"Resource":"`, `"Resource":["`, "s3:PutObject", "s3:*", `"Long"`, `"LongTLS"`).Replace(tls)
	for name, live := range map[string]string{"grants": join(grants...), "one long Deny": join(opens, long, requireKMS), "a long Deny that replaces one of the lock's": join(opens, tls, requireKMS)} {
		j := l.Judge(lock.AtLeast, docs, live)
		if j.Verdict != iampolicy.Open || len(j.Write) > 20<<10 {
			t.Errorf("%s: %s, %d bytes to write, want open and at most 20 KB", name, j.Verdict, len(j.Write))
		}
		if after := l.Judge(lock.AtLeast, docs, j.Write); after.Verdict != iampolicy.Same {
			t.Errorf("%s: what was written is %s: %s", name, after.Verdict, after.Allowed)
		}
		if kept := strings.Contains(j.Write, "Grant1"); kept != (name == "grants") {
			t.Errorf("%s: grants are kept: %v", name, kept)
		}
		if kept := strings.Contains(j.Write, "RequireKMS"); kept != (name != "grants") {
			t.Errorf("%s: the Deny that fits is kept: %v", name, kept)
		}
	}
}

// An endpoint's policy is judged alike, also against the one that is kept.
func TestEndpointPoliciesAreJudged(t *testing.T) {
	const found = `{"Version":"2012-10-17","Statement":[{"Sid":"Ours","Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceAccount":"111122223333"}}}]}`
	narrow := strings.Replace(found, `"s3:*"`, `"s3:Get*"`, 1)
	for _, c := range []struct {
		name, policy, live string
		mode               lock.Mode
		want               iampolicy.Verdict
	}{
		{"what was found", lock.KeepPolicy, found, lock.Exact, iampolicy.Same},
		{"less than was found", lock.KeepPolicy, narrow, lock.AtLeast, iampolicy.Same},
		{"less than was found, exactly", lock.KeepPolicy, narrow, lock.Exact, iampolicy.Closed},
		{"more than was found", lock.KeepPolicy, lock.FullAccess, lock.AtLeast, iampolicy.Open},
		{"the default one", lock.AccountPolicy, "", lock.AtLeast, iampolicy.Open},
		{"what was found does not count", lock.AccountPolicy, found, lock.AtLeast, iampolicy.Open},
	} {
		l := mustLock(t, changed(func(p *lock.Parameters) { p.EndpointPolicy = c.policy })).At(endpoint, found)
		j := l.JudgeEndpoint(c.mode, docs, c.live)
		if j.Verdict != c.want || (j.Write == "") != (c.want == iampolicy.Same) {
			t.Errorf("%s: %s (%s), would be written: %q, want %s", c.name, j.Verdict, j.Allowed, j.Write, c.want)
		}
		if j.Write != "" {
			if !iampolicy.Equal(parse(t, j.Write), parse(t, l.EndpointPolicy())) {
				t.Errorf("%s: would be written: %s, want all of %s", c.name, j.Write, l.EndpointPolicy())
			}
			if after := l.JudgeEndpoint(c.mode, docs, j.Write); after.Verdict != iampolicy.Same {
				t.Errorf("%s: what was written, %s, is %s: %s", c.name, j.Write, after.Verdict, after.Allowed)
			}
		}
	}
}
