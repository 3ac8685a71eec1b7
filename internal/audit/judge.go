package audit

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// fullAccess is the effective policy of an endpoint without a policy.
// https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html#vpc-endpoint-policies-default
const fullAccess = `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`

// JudgeBucket judges a bucket. The endpoints are those that were found beside it.
func JudgeBucket(b Bucket, endpoints []Endpoint, given Lock) Result {
	lock, guesses := given.Guess(b, endpoints)
	lock = lock.withDefaults()
	r := Result{
		Kind: KindBucket, Name: Readable(cmp.Or(b.Title, b.Name)), Origin: b.Policy.Origin, Verdict: Locked, Guesses: guesses,
		Findings: []Finding{},
	}
	name := b.Name
	if name == "" || IsUnknown(name) {
		name = bucketIn(b.Policy)
	}
	j := policyJudge{
		document: b.Policy, desired: lock.BucketPolicy(name), lock: lock.withoutGrants().BucketPolicy(name),
		forbidden: lock.ForbiddenOnBucket(name), named: namedRequests(b.Policy, lock), exact: lock.Exact,
		classify: classifyOnBucket(lock),
	}
	r.Lock = j.desired
	j.judge(&r)
	if r.Verdict == Locked && lock.limitsNetworkOnly() {
		r.undecided(b.Policy.Origin, "the policy limits the network, but names no endpoint and no VPC")
	}
	if len(lock.Exceptions) == 0 && j.locksOut(lock.Setting(name)) {
		const message = "from outside the endpoint, only the root user can change the policy"
		r.add(Finding{Rule: LocksOut, Message: message, Origin: b.Policy.Origin})
	}
	r.write(j, lock)
	r.judgeBlocks(b.PublicAccessBlock)
	r.judgeOwnership(b.Ownership)
	return r
}

// bucketIn returns the name of the bucket in a policy's resources, or an invented one.
func bucketIn(d Document) string {
	for _, v := range viewsOf(d) {
		for _, r := range v.Resources {
			if name := BucketName(r); name != "" {
				return name
			}
		}
	}
	return inventedBucket
}

// BucketName returns the bucket in the ARN of a bucket or its objects; "" if it has a wildcard or is not such an ARN.
func BucketName(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || parts[2] != "s3" || parts[3] != "" {
		return ""
	}
	name, _, _ := strings.Cut(parts[5], "/")
	if strings.ContainsAny(name, "*?$") || IsUnknown(name) {
		return ""
	}
	return name
}

// JudgeEndpoint judges an endpoint.
func JudgeEndpoint(e Endpoint, given Lock) Result {
	lock, guesses := given.GuessThrough(e)
	lock = lock.withDefaults()
	if strings.HasPrefix(e.ID, "vpce-") {
		lock.EndpointIDs = []string{e.ID}
	}
	if strings.HasPrefix(e.VPCID, "vpc-") {
		lock.VPCIDs = []string{e.VPCID}
	}
	r := Result{
		Kind: KindEndpoint, Name: Readable(cmp.Or(e.Title, e.ID)), Origin: e.Policy.Origin, Verdict: Locked, Guesses: guesses,
		Findings: []Finding{},
	}
	if e.Policy.Text == "" {
		e.Policy.Text = fullAccess
	}
	j := policyJudge{
		document: e.Policy, desired: lock.EndpointPolicy(), lock: lock.EndpointPolicy(),
		forbidden: lock.forbiddenThroughEndpoint(bucketIn(e.Policy)), exact: lock.Exact,
		classify: classifyOnEndpoint(lock), ofEndpoint: true,
	}
	r.Lock = j.desired
	j.judge(&r)
	r.write(j, lock)
	return r
}

// policyJudge judges one policy.
type policyJudge struct {
	document Document
	// desired is the rendered lock, with what it grants; lock is the same without grants.
	desired, lock string
	forbidden     []iampolicy.ForbiddenRequest
	exact         bool
	// named are requests of callers that the policy names.
	named      []namedRequest
	ofEndpoint bool
	classify   func(at iampolicy.Standpoint, b iampolicy.Breach, r iampolicy.Request) Rule
}

// judge sets the verdict of the policy, its reason and its findings.
func (j policyJudge) judge(r *Result) {
	switch unknown := Unknowns(j.document.Text); {
	case j.document.Unread != "":
		r.undecided(j.document.Origin, "the policy is not known: "+j.document.Unread)
	case len(unknown) > 0:
		j.judgeUnknown(r, unknown)
	default:
		j.judgeKnown(r)
	}
}

func (j policyJudge) verdict(document string) iampolicy.Judgement {
	if document == "" && j.ofEndpoint {
		document = denyAll // all its Allow statements were dropped: it allows nothing
	}
	return iampolicy.Judge([]byte(j.desired), []byte(document), func() []iampolicy.ForbiddenRequest { return j.forbidden })
}

// denyAll stands for an endpoint's policy without statements, which AWS does not accept.
const denyAll = `{"Statement":[{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}]}`

func (j policyJudge) judgeKnown(r *Result) {
	judgement := j.verdict(j.document.Text)
	r.Judgement = judgement.Verdict
	switch judgement.Verdict {
	case iampolicy.Same:
	case iampolicy.Closed:
		if j.exact {
			r.Verdict = Worse(r.Verdict, Drifted)
			const message = "it differs from the lock, and allows nothing that the lock denies"
			r.add(Finding{Rule: Differs, Message: message, Origin: j.document.Origin})
		}
	default:
		if refused := j.refused(); refused != "" {
			r.undecided(j.document.Origin, "the policy cannot be judged: "+refused)
			return
		}
		r.Verdict = Open
		if found := j.findings(j.document.Text); len(found) > 0 {
			r.Findings = append(r.Findings, found...)
			return
		}
		r.add(Finding{Rule: NotShownClosed, Message: judgement.Allowed, Origin: j.document.Origin})
	}
}

// refused returns why the document is no policy that can be judged; "" if it is one.
func (j policyJudge) refused() string {
	if _, err := iampolicy.Breaches([]byte(j.document.Text), nil); err != nil {
		return err.Error()
	}
	return ""
}

// judgeUnknown judges a policy with unknown values: it is locked if it is so in the worst case, and open if it is so in the
// best case.
func (j policyJudge) judgeUnknown(r *Result, unknown []string) {
	origin, reason := j.document.Origin, "it depends on what is not known: "+strings.Join(unknown, ", ")
	most, err := j.document.most()
	if err != nil {
		r.undecided(origin, err.Error()+" ("+reason+")")
		return
	}
	least, err := j.document.least()
	if err != nil {
		r.undecided(origin, err.Error()+" ("+reason+")")
		return
	}
	for _, document := range []string{most, least} {
		if _, err := iampolicy.Breaches([]byte(document), nil); err != nil {
			r.undecided(origin, "the policy cannot be judged: "+Readable(err.Error()))
			return
		}
	}
	switch {
	case j.verdict(most).Verdict != iampolicy.Open:
		if j.exact {
			r.undecided(origin, reason)
		}
	case least == "" && j.ofEndpoint:
		r.undecided(origin, reason)
	default:
		if found := j.findings(least); len(found) > 0 {
			r.Verdict = Open
			r.Findings = append(r.Findings, found...)
			return
		}
		r.undecided(origin, reason)
	}
}

// locksOut reports whether the policy denies administrators to change it from the internet.
func (j policyJudge) locksOut(s iampolicy.Setting) bool {
	if j.document.Unread != "" || IsUnknown(j.document.Text) || j.document.Text == "" || j.refused() != "" {
		return false
	}
	p, err := iampolicy.Parse([]byte(j.document.Text))
	if err != nil || slices.ContainsFunc(p.Views(), dependsOnMembership) {
		return false
	}
	d := iampolicy.Evaluate(iampolicy.Request{
		Principal: "arn:" + s.Partition + ":iam::" + s.Account + ":role/invented/administrator", Action: "s3:PutBucketPolicy",
		Resource: s.BucketARN(), ResourceAccount: s.Account,
		Context: map[string][]string{"aws:SecureTransport": {"true"}, "aws:SourceIp": {"198.51.100.7"}},
	}, iampolicy.Policies{Resource: p, Identity: []*iampolicy.Policy{everythingAllowed()}})
	return d.Effect == iampolicy.Deny
}

// everythingAllowed is an identity policy that allows everything.
var everythingAllowed = sync.OnceValue(func() *iampolicy.Policy {
	p, err := iampolicy.Parse([]byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`))
	if err != nil {
		panic(err) // it is a constant
	}
	return p
})

// dependsOnMembership reports whether a Deny excepts callers by what an invented administrator lacks: an organisation,
// tags, an id.
func dependsOnMembership(v iampolicy.View) bool {
	return !v.Allow && slices.ContainsFunc(v.Conditions, func(c iampolicy.ConditionView) bool {
		return c.Key != "aws:PrincipalArn" && c.Key != "aws:PrincipalAccount" && hasKey(identityKeys, c.Key)
	})
}

func (r *Result) add(f Finding) { r.Findings = append(r.Findings, f) }

// undecided records why a part of the result is not known.
func (r *Result) undecided(at Origin, reason string) {
	reason = Readable(reason)
	r.Verdict = Worse(r.Verdict, Undecided)
	if r.Reason != "" {
		r.Reason += "; "
	}
	r.Reason += reason
	r.add(Finding{Rule: CannotTell, Message: reason, Origin: at})
}

func (r *Result) judgeBlocks(p *PublicAccessBlock) {
	if p == nil {
		return
	}
	var off, unknown []string
	for _, s := range []struct {
		name string
		flag Flag
	}{
		{"BlockPublicAcls", p.BlockPublicAcls}, {"IgnorePublicAcls", p.IgnorePublicAcls},
		{"BlockPublicPolicy", p.BlockPublicPolicy}, {"RestrictPublicBuckets", p.RestrictPublicBuckets},
	} {
		switch s.flag {
		case Off:
			off = append(off, s.name)
		case NotKnown:
			unknown = append(unknown, s.name)
		}
	}
	if len(unknown) > 0 {
		r.undecided(p.Origin, "not known of the public access block: "+strings.Join(unknown, ", "))
	}
	if len(off) > 0 {
		r.Verdict = Open
		message := "public access may be granted: " + strings.Join(off, ", ") + " off"
		r.add(Finding{Rule: PublicAccess, Message: message, Origin: p.Origin})
	}
}

func (r *Result) judgeOwnership(o *Ownership) {
	switch {
	case o == nil:
	case o.Unread != "":
		r.undecided(o.Origin, "the object ownership is not known: "+o.Unread)
	case IsUnknown(o.Value):
		r.undecided(o.Origin, "the object ownership is not known: "+o.Value)
	case o.Value != "BucketOwnerEnforced":
		r.Verdict = Open
		message := "access control lists take effect: the object ownership is " + cmp.Or(o.Value, "not set")
		r.add(Finding{Rule: ObjectOwnership, Message: message, Origin: o.Origin})
	}
}
