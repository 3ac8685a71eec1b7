package audit

import (
	"cmp"
	"slices"
	"strings"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/lock"
)

// JudgeBucket judges a bucket. The endpoints are those that were found beside it.
func JudgeBucket(b Bucket, endpoints []Endpoint, given lock.Lock, mode lock.Mode) Result {
	l, guesses := GuessLock(given, b, endpoints)
	l = l.WithDefaults()
	r := Result{
		Kind: KindBucket, Name: Readable(cmp.Or(b.Title, b.Name)), Origin: b.Policy.Origin, Verdict: Locked, Guesses: guesses,
		Findings: []Finding{},
	}
	name := b.Name
	if name == "" || IsUnknown(name) {
		name = bucketIn(b.Policy)
	}
	j := policyJudge{
		document: b.Policy, lock: l.BucketPolicy(name), mode: mode, classify: classifyOnBucket(l),
		judgeText: func(live string) lock.Judgement { return l.Judge(mode, name, live) },
	}
	r.Lock = j.lock
	write := j.judge(&r)
	if r.Verdict == Locked && l.LimitsNetworkOnly() {
		r.undecided(b.Policy.Origin, "the policy limits the network, but names no endpoint and no VPC")
	}
	if len(l.Exceptions) == 0 && j.locksOut(l.Setting(name)) {
		const message = "from outside the endpoint, only the root user can change the policy"
		r.add(Finding{Rule: LocksOut, Message: message, Origin: b.Policy.Origin})
	}
	r.write(b.Policy, write)
	if r.Write != nil && len(l.EndpointIDs)+len(l.VPCIDs) == 0 {
		r.Write.Incomplete = "the endpoint's id: " + lock.InventedEndpoint + " stands for it"
	}
	r.judgeBlocks(b.PublicAccessBlock, b.AccountBlock)
	r.judgeOwnership(b.Ownership)
	return r
}

// bucketIn returns the name of the bucket in a policy's resources, or an invented one.
func bucketIn(d Document) string {
	for _, v := range viewsOf(d) {
		for _, r := range v.Resources {
			if name := lock.BucketName(r); name != "" {
				return name
			}
		}
	}
	return lock.InventedBucket
}

// JudgeEndpoint judges an endpoint.
func JudgeEndpoint(e Endpoint, given lock.Lock, mode lock.Mode) Result {
	l, guesses := GuessThrough(given, e)
	l = l.WithDefaults()
	if strings.HasPrefix(e.ID, "vpce-") {
		l.EndpointIDs = []string{e.ID}
	}
	if strings.HasPrefix(e.VPCID, "vpc-") {
		l.VPCIDs = []string{e.VPCID}
	}
	r := Result{
		Kind: KindEndpoint, Name: Readable(cmp.Or(e.Title, e.ID)), Origin: e.Policy.Origin, Verdict: Locked, Guesses: guesses,
		Findings: []Finding{},
	}
	bucket := bucketIn(e.Policy)
	if e.Policy.Text == "" {
		e.Policy.Text = lock.FullAccess
	}
	j := policyJudge{
		document: e.Policy, lock: l.EndpointPolicy(), mode: mode, classify: classifyOnEndpoint(l), ofEndpoint: true,
		judgeText: func(live string) lock.Judgement { return l.JudgeEndpoint(mode, bucket, cmp.Or(live, denyAll)) },
	}
	r.Lock = j.lock
	r.write(e.Policy, j.judge(&r))
	return r
}

// denyAll stands for an endpoint's policy without statements, which AWS does not accept: all its Allow statements were dropped.
const denyAll = `{"Statement":[{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}]}`

// policyJudge judges one policy.
type policyJudge struct {
	document Document
	// lock is the rendered lock, with what it grants.
	lock string
	mode lock.Mode
	// judgeText judges the document, or one that stands for it.
	judgeText  func(live string) lock.Judgement
	ofEndpoint bool
	classify   func(at iampolicy.Standpoint, b iampolicy.Breach, r iampolicy.Request) Rule
}

// judge sets the verdict of the policy, its reason and its findings. It returns the document that would be written; "" if none.
func (j policyJudge) judge(r *Result) string {
	switch unknown := Unknowns(j.document.Text); {
	case j.document.Unread != "":
		r.undecided(j.document.Origin, "the policy is not known: "+j.document.Unread)
	case len(unknown) > 0:
		if j.judgeUnknown(r, unknown); r.Verdict == Open {
			known, err := j.document.known()
			if err != nil {
				known = ""
			}
			return j.judgeText(known).Write
		}
	default:
		return j.judgeKnown(r)
	}
	return ""
}

func (j policyJudge) judgeKnown(r *Result) string {
	judgement := j.judgeText(j.document.Text)
	r.Judgement = judgement.Compared
	switch judgement.Verdict {
	case iampolicy.Same:
	case iampolicy.Closed:
		r.Verdict = Worse(r.Verdict, Drifted)
		const message = "it differs from the lock, and allows nothing that the lock denies"
		r.add(Finding{Rule: Differs, Message: message, Origin: j.document.Origin})
	default:
		if refused := j.refused(); refused != "" {
			r.undecided(j.document.Origin, "the policy cannot be judged: "+refused)
			return ""
		}
		r.Verdict = Open
		found := j.findings(j.document.Text, judgement.Forbidden())
		if len(found) == 0 {
			found = []Finding{{Rule: NotShownClosed, Message: judgement.Allowed, Origin: j.document.Origin}}
		}
		r.Findings = append(r.Findings, found...)
	}
	return judgement.Write
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
	judgement := j.judgeText(most)
	switch {
	case judgement.Verdict != iampolicy.Open:
		if j.mode == lock.Exact {
			r.undecided(origin, reason)
		}
	case least == "" && j.ofEndpoint:
		r.undecided(origin, reason)
	default:
		if found := j.findings(least, judgement.Forbidden()); len(found) > 0 {
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
	administrator := iampolicy.IAMARN(s.Partition, s.Account, "role/invented/administrator")
	return len(iampolicy.DeniedTo(p, s, administrator, []string{"s3:PutBucketPolicy"})) > 0
}

// dependsOnMembership reports whether a Deny excepts callers by what an invented administrator lacks: an organisation,
// tags, an id.
func dependsOnMembership(v iampolicy.View) bool {
	return !v.Allow && slices.ContainsFunc(v.Conditions, func(c iampolicy.ConditionView) bool {
		return c.Key != "aws:PrincipalArn" && c.Key != "aws:PrincipalAccount" && lock.HasKey(lock.IdentityKeys, c.Key)
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

func (r *Result) judgeBlocks(p, account *PublicAccessBlock) {
	if p == nil {
		return
	}
	if unknown := p.With(NotKnown); len(unknown) > 0 {
		r.undecided(p.Origin, "not known of the public access block: "+strings.Join(unknown, ", "))
	}
	off := p.With(Off)
	if len(off) == 0 {
		return
	}
	r.Verdict = Open
	message := "public access may be granted: " + strings.Join(off, ", ") + " off"
	if account != nil {
		on := account.With(On)
		off = slices.DeleteFunc(off, func(name string) bool { return slices.Contains(on, name) })
		if len(off) == 0 {
			message += "; as long as they are on for the account, they have an effect all the same"
		}
	}
	r.add(Finding{Rule: PublicAccess, Message: message, Origin: p.Origin})
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
