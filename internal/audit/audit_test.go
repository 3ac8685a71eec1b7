package audit_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/internal/audit"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/lock"
)

const (
	account  = "111122223333"
	endpoint = "vpce-0a1b2c3d4e5f60718"
	app      = "arn:aws:iam::111122223333:role/app"
	admin    = "arn:aws:iam::111122223333:role/admin"
	objects  = `"Resource":"arn:aws:s3:::docs-example/*"`
	both     = `"Resource":["arn:aws:s3:::docs-example","arn:aws:s3:::docs-example/*"]`
)

// Statements of bucket policies.
const (
	plainHTTP  = `{"Sid":"TLS","Effect":"Deny","Principal":"*","Action":"s3:*",` + both + `,"Condition":{"Bool":{"aws:SecureTransport":"false"}}}`
	outside    = `{"Sid":"Outside","Effect":"Deny","Principal":"*","Action":"s3:*",` + both + `,"Condition":{"StringNotEquals":{"aws:SourceVpce":"` + endpoint + `"}}}`
	strangers  = `{"Sid":"Strangers","Effect":"Deny","Principal":"*","Action":"s3:*",` + both + `,"Condition":{"ArnNotEquals":{"aws:PrincipalArn":["` + app + `"]}}}`
	butAdmin   = `{"Sid":"Outside","Effect":"Deny","Principal":"*","Action":"s3:*",` + both + `,"Condition":{"StringNotEquals":{"aws:SourceVpce":"` + endpoint + `"},"ArnNotLike":{"aws:PrincipalArn":"` + admin + `"}}}`
	butAgent   = `{"Sid":"Outside","Effect":"Deny","Principal":"*","Action":"s3:*",` + both + `,"Condition":{"StringNotEquals":{"aws:SourceVpce":"` + endpoint + `","aws:UserAgent":"backup"}}}`
	butAll     = `{"Sid":"Outside","Effect":"Deny","Principal":"*","Action":"s3:*",` + both + `,"Condition":{"StringNotEquals":{"aws:SourceVpce":"` + endpoint + `","aws:PrincipalAccount":"` + account + `"},"ArnNotLike":{"aws:PrincipalArn":"` + app + `"}}}`
	fewActions = `{"Sid":"Outside","Effect":"Deny","Principal":"*","Action":["s3:GetObject","s3:PutObject"],` + both + `,"Condition":{"StringNotEquals":{"aws:SourceVpce":"` + endpoint + `"}}}`
	everyone   = `{"Sid":"Everyone","Effect":"Allow","Principal":"*","Action":"s3:GetObject",` + objects + `}`
	ownApp     = `{"Sid":"App","Effect":"Allow","Principal":{"AWS":"` + app + `"},"Action":"s3:GetObject",` + objects + `}`
)

func document(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

func bucket(policy string) audit.Bucket {
	return audit.Bucket{Name: "docs-example", Policy: audit.Document{Text: policy}}
}

// rules lists the rules of a result's findings.
func rules(r audit.Result) []audit.Rule {
	list := []audit.Rule{}
	for _, f := range r.Findings {
		if !slices.Contains(list, f.Rule) {
			list = append(list, f.Rule)
		}
	}
	return list
}

// unknown is an unknown value in quotes.
func unknown(what string) string { return `"` + audit.Unknown(what) + `"` }

func TestBucketsAreJudgedAgainstTheLockThatTheirPolicyShows(t *testing.T) {
	for name, c := range map[string]struct {
		policy string
		lock   lock.Lock
		want   audit.Verdict
		rules  []audit.Rule
	}{
		"a lock in other words":                 {document(plainHTTP, outside), lock.Lock{}, audit.Locked, []audit.Rule{audit.LocksOut}},
		"with workloads":                        {document(plainHTTP, outside, strangers), lock.Lock{}, audit.Locked, []audit.Rule{audit.LocksOut}},
		"with a grant to its own role":          {document(plainHTTP, outside, strangers, ownApp), lock.Lock{}, audit.Locked, []audit.Rule{audit.LocksOut}},
		"plain HTTP":                            {document(outside), lock.Lock{}, audit.Open, []audit.Rule{audit.PlainHTTP, audit.LocksOut}},
		"two actions only":                      {document(plainHTTP, fewActions), lock.Lock{}, audit.Open, []audit.Rule{audit.OutsideEndpoint}},
		"an exception for a role":               {document(plainHTTP, butAdmin), lock.Lock{}, audit.Locked, nil},
		"an exception that the lock lacks":      {document(plainHTTP, butAdmin), lock.Lock{Exceptions: []lock.Exception{}}, audit.Open, []audit.Rule{audit.NotShownClosed, audit.LocksOut}},
		"an exception that a caller can choose": {document(plainHTTP, butAgent), lock.Lock{}, audit.Open, []audit.Rule{audit.NotShownClosed, audit.LocksOut}},
		"an exception for the whole account":    {document(plainHTTP, butAll), lock.Lock{}, audit.Open, []audit.Rule{audit.OutsideEndpoint}},
		"everyone, denied to all strangers":     {document(plainHTTP, outside, strangers, everyone), lock.Lock{}, audit.Locked, []audit.Rule{audit.LocksOut}},
		"everyone through the endpoint":         {document(plainHTTP, outside, everyone), lock.Lock{}, audit.Open, []audit.Rule{audit.GrantedToOthers, audit.LocksOut}},
		"public":                                {document(everyone), lock.Lock{}, audit.Open, []audit.Rule{audit.GrantedToOthers, audit.OutsideEndpoint, audit.PlainHTTP}},
		"other roles than the given one":        {document(plainHTTP, outside), lock.Lock{Workloads: lock.Roles(app)}, audit.Open, []audit.Rule{audit.OtherCallers, audit.LocksOut}},
		"another endpoint than the given one":   {document(plainHTTP, outside), lock.Lock{EndpointIDs: []string{"vpce-0123"}}, audit.Open, []audit.Rule{audit.NotShownClosed, audit.LocksOut}},
		"no policy":                             {"", lock.Lock{}, audit.Open, []audit.Rule{audit.OutsideEndpoint, audit.PlainHTTP}},
		"not a policy":                          {"{}", lock.Lock{}, audit.Undecided, []audit.Rule{audit.CannotTell}},
	} {
		t.Run(name, func(t *testing.T) {
			r := audit.JudgeBucket(bucket(c.policy), nil, c.lock, lock.AtLeast)
			if r.Verdict != c.want || !slices.Equal(rules(r), c.rules) || r.Lock == "" {
				t.Errorf("%s, rules %q (%+v), want %s, %q", r.Verdict, rules(r), r, c.want, c.rules)
			}
			if (r.Verdict == audit.Undecided) != (r.Reason != "") {
				t.Errorf("verdict %s with the reason %q", r.Verdict, r.Reason)
			}
		})
	}
}

// With the mode Exact a policy must be the lock: one that says the same in other words has drifted, and is replaced.
func TestOtherWordsAreDriftFromAnExactLock(t *testing.T) {
	r := audit.JudgeBucket(bucket(document(plainHTTP, outside)), nil, lock.Lock{}, lock.Exact)
	if r.Verdict != audit.Drifted || !slices.Equal(rules(r), []audit.Rule{audit.Differs, audit.LocksOut}) || r.Write == nil || r.Write.Document != r.Lock {
		t.Errorf("%s, rules %q, write %+v, want drifted, and the lock to be written", r.Verdict, rules(r), r.Write)
	}
}

// What would be written must be locked itself, and keep what opens nothing.
func TestWhatWouldBeWrittenIsLocked(t *testing.T) {
	for name, policy := range map[string]string{
		"public":      document(everyone, ownApp),
		"no policy":   "",
		"two actions": document(fewActions, strangers, ownApp),
		"a same Sid":  document(`{"Sid":"DenyPlainHTTP","Effect":"Allow","Principal":"*","Action":"s3:GetObject",` + objects + `}`),
	} {
		t.Run(name, func(t *testing.T) {
			r := audit.JudgeBucket(bucket(policy), nil, lock.Lock{Account: account}, lock.AtLeast)
			if r.Verdict != audit.Open || r.Write == nil || len(r.Write.Diff) == 0 {
				t.Fatalf("%s, write %+v, want open and a document to write", r.Verdict, r.Write)
			}
			after := audit.JudgeBucket(bucket(r.Write.Document), nil, lock.Lock{Account: account}, lock.AtLeast)
			if after.Verdict != audit.Locked {
				t.Errorf("after writing %s: %s, %+v, want locked", r.Write.Document, after.Verdict, after.Findings)
			}
			if strings.Contains(r.Write.Document, `"Everyone"`) || strings.Contains(policy, `"App"`) != strings.Contains(r.Write.Document, `"App"`) {
				t.Errorf("%s would be written, want the grant to the app kept, and the one to everyone not", r.Write.Document)
			}
		})
	}
}

func TestGuessesAreSaid(t *testing.T) {
	guessed, guesses := audit.GuessLock(lock.Lock{}, bucket(document(plainHTTP, butAdmin, strangers)), nil)
	var said []string
	for _, g := range guesses {
		said = append(said, g.String())
	}
	want := []string{
		"account 111122223333 (its conditions name it)",
		"endpoint " + endpoint + " (aws:SourceVpce in Outside)",
		"exception ArnNotLike aws:PrincipalArn " + admin + " (Outside)",
		"workload ArnNotEquals aws:PrincipalArn " + app + " (Strangers)",
	}
	if !slices.Equal(said, want) {
		t.Errorf("guesses %q, want %q", said, want)
	}
	if guessed.Account != account || !slices.Equal(guessed.EndpointIDs, []string{endpoint}) {
		t.Errorf("lock %+v", guessed)
	}
	_, guesses = audit.GuessLock(lock.Lock{}, bucket(document(plainHTTP)), []audit.Endpoint{{ID: "vpce-0b"}})
	if !slices.ContainsFunc(guesses, func(g audit.Guess) bool { return g.String() == "endpoint vpce-0b (found beside the bucket)" }) {
		t.Errorf("guesses %v, want the endpoint that was found", guesses)
	}
	given := lock.Lock{Account: account, Region: "eu-west-1", EndpointIDs: []string{"vpce-0c"}, Workloads: lock.Roles(app), Exceptions: lock.Roles(admin)}
	if got, guesses := audit.GuessLock(given, bucket(document(plainHTTP, butAdmin, strangers)), nil); len(guesses) != 0 || !slices.Equal(got.EndpointIDs, given.EndpointIDs) {
		t.Errorf("guesses %v, want none for a lock that is given", guesses)
	}
}

// An unknown value counts as what would be worst, and as what would be best: only where both agree is there a verdict.
func TestUnknownValuesStayUnknown(t *testing.T) {
	network := `{"Sid":"Outside","Effect":"Deny","Principal":"*","Action":"s3:*",` + both + `,"Condition":{"StringNotEquals":{"aws:SourceVpce":` + unknown("parameter VpceId") + `}}}`
	grant := `{"Effect":"Allow","Principal":{"AWS":` + unknown("parameter Reader") + `},"Action":"s3:GetObject",` + objects + `}`
	for name, c := range map[string]struct {
		policy string
		want   audit.Verdict
		says   string
	}{
		"the endpoint":                        {document(plainHTTP, network), audit.Undecided, "it depends on what is not known: parameter VpceId"},
		"the endpoint, open anyway":           {document(network, everyone, `{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}`), audit.Undecided, "parameter VpceId"},
		"a grant, locked anyway":              {document(plainHTTP, outside, strangers, grant), audit.Locked, ""},
		"a grant":                             {document(plainHTTP, outside, grant), audit.Undecided, "parameter Reader"},
		"a grant, and nothing denies":         {document(grant), audit.Open, ""},
		"an effect":                           {document(plainHTTP, strings.Replace(outside, `"Deny"`, unknown("parameter Effect"), 1)), audit.Undecided, "Effect of a statement is not known"},
		"a Sid":                               {document(plainHTTP, strings.Replace(outside, `"Outside"`, unknown("parameter Sid"), 1)), audit.Locked, ""},
		"a statement":                         {document(plainHTTP, unknown("Fn::Transform")), audit.Undecided, "a whole statement is not known"},
		"twice":                               {document(plainHTTP, strings.Replace(outside, `"Effect":"Deny"`, `"Effect":"Deny","Effect":"Allow"`, 1), grant), audit.Undecided, `"Effect" given twice`},
		"the document":                        {unknown("after apply"), audit.Undecided, "not a JSON object"},
		"an action":                           {document(plainHTTP, strings.Replace(outside, `"s3:*"`, unknown("parameter Action"), 1)), audit.Undecided, "parameter Action"},
		"an operator":                         {document(plainHTTP, strings.Replace(outside, `"StringNotEquals"`, unknown("parameter Operator"), 1)), audit.Undecided, "parameter Operator"},
		"the resources of what is not a lock": {document(plainHTTP, outside, strings.Replace(everyone, `"arn:aws:s3:::docs-example/*"`, unknown("other"), 1)), audit.Undecided, "other"},
	} {
		t.Run(name, func(t *testing.T) {
			r := audit.JudgeBucket(bucket(c.policy), nil, lock.Lock{}, lock.AtLeast)
			if r.Verdict != c.want || !strings.Contains(r.Reason, c.says) {
				t.Errorf("%s (%s), findings %+v, want %s (%s)", r.Verdict, r.Reason, r.Findings, c.want, c.says)
			}
		})
	}
}

func TestAccessBlockAndOwnership(t *testing.T) {
	b := bucket(document(plainHTTP, outside, strangers))
	locked := audit.PublicAccessBlock{BlockPublicAcls: audit.On, IgnorePublicAcls: audit.On, BlockPublicPolicy: audit.On, RestrictPublicBuckets: audit.On}
	half, partly := locked, locked
	half.BlockPublicPolicy, partly.RestrictPublicBuckets = audit.Off, audit.NotKnown
	for name, c := range map[string]struct {
		blocks    *audit.PublicAccessBlock
		ownership *audit.Ownership
		want      audit.Verdict
		says      string
	}{
		"nothing found":   {nil, nil, audit.Locked, ""},
		"all right":       {&locked, &audit.Ownership{Value: "BucketOwnerEnforced"}, audit.Locked, ""},
		"one off":         {&half, nil, audit.Open, "public access may be granted: BlockPublicPolicy off"},
		"one not known":   {&partly, nil, audit.Undecided, "RestrictPublicBuckets"},
		"lists":           {&locked, &audit.Ownership{Value: "ObjectWriter"}, audit.Open, "the object ownership is ObjectWriter"},
		"no ownership":    {&locked, &audit.Ownership{}, audit.Open, "the object ownership is not set"},
		"ownership later": {&locked, &audit.Ownership{Unread: "known after apply"}, audit.Undecided, "known after apply"},
	} {
		b.PublicAccessBlock, b.Ownership = c.blocks, c.ownership
		r := audit.JudgeBucket(b, nil, lock.Lock{}, lock.AtLeast)
		if text, _ := json.Marshal(r); r.Verdict != c.want || !strings.Contains(string(text), c.says) {
			t.Errorf("%s: %s, %s, want %s with %q", name, r.Verdict, text, c.want, c.says)
		}
	}
}

func TestEndpointsAreJudgedAgainstThePerimeter(t *testing.T) {
	const own = `{"Sid":"Own","Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceAccount":"111122223333","aws:PrincipalAccount":"111122223333"}}}`
	const organisation = `{"Sid":"Org","Effect":"Allow","Principal":{"AWS":"*"},"Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceOrgID":"o-abcd1234","aws:PrincipalOrgID":"o-abcd1234"}}}`
	const images = `{"Sid":"Images","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::prod-eu-central-1-starport-layer-bucket/*"}`
	const mimic = `{"Sid":"Mimic","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::prod-mine-starport-layer-bucket/*"}`
	const oneBucket = `{"Sid":"One","Effect":"Allow","Principal":"*","Action":"s3:*",` + both + `}`
	const anyBucket = `{"Sid":"Any","Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalAccount":"111122223333"}}}`
	for name, c := range map[string]struct {
		policy string
		lock   lock.Lock
		want   audit.Verdict
		rules  []audit.Rule
	}{
		"no policy":                   {"", lock.Lock{Account: account}, audit.Open, []audit.Rule{audit.EndpointOtherBuckets, audit.EndpointOtherCallers}},
		"the account":                 {document(own), lock.Lock{}, audit.Locked, nil},
		"the organisation":            {document(organisation), lock.Lock{Account: account}, audit.Locked, nil},
		"images of AWS":               {document(own, images), lock.Lock{}, audit.Locked, nil},
		"a bucket that looks like it": {document(own, mimic), lock.Lock{}, audit.Open, []audit.Rule{audit.EndpointOtherBuckets, audit.EndpointOtherCallers}},
		"one bucket for everyone":     {document(oneBucket), lock.Lock{Account: account}, audit.Open, []audit.Rule{audit.EndpointOtherBuckets, audit.EndpointOtherCallers}},
		"all buckets for the account": {document(anyBucket), lock.Lock{}, audit.Open, []audit.Rule{audit.EndpointOtherBuckets}},
		"more than the named bucket":  {document(own), lock.Lock{OnlyBuckets: []string{"docs-example"}}, audit.Open, []audit.Rule{audit.EndpointOtherCallers}},
		"unknown":                     {document(own, strings.Replace(images, `"arn:aws:s3:::prod-eu-central-1-starport-layer-bucket/*"`, unknown("x"), 1)), lock.Lock{}, audit.Undecided, []audit.Rule{audit.CannotTell}},
		"only unknown":                {document(strings.Replace(own, `"s3:*"`, unknown("x"), 1)), lock.Lock{}, audit.Locked, nil},
	} {
		t.Run(name, func(t *testing.T) {
			e := audit.Endpoint{ID: endpoint, Policy: audit.Document{Text: c.policy}}
			r := audit.JudgeEndpoint(e, c.lock, lock.AtLeast)
			if r.Verdict != c.want || !slices.Equal(rules(r), c.rules) {
				t.Errorf("%s, rules %q (%+v), want %s, %q", r.Verdict, rules(r), r, c.want, c.rules)
			}
			if r.Verdict != audit.Open {
				return
			}
			if r.Write == nil {
				t.Fatal("nothing would be written")
			}
			e.Policy.Text = r.Write.Document
			if after := audit.JudgeEndpoint(e, c.lock, lock.AtLeast); after.Verdict != audit.Locked {
				t.Errorf("after writing %s: %+v", r.Write.Document, after)
			}
		})
	}
}

// A grant to another account does not make this account the owner.
func TestAGrantDoesNotShowTheOwner(t *testing.T) {
	const account = "444455556666"
	for _, principal := range []string{account, "arn:aws:iam::" + account + ":root", "arn:aws:iam::" + account + ":role/reader"} {
		r := audit.JudgeBucket(bucket(document(plainHTTP, outside, strings.Replace(ownApp, app, principal, 1))), nil, lock.Lock{}, lock.AtLeast)
		if r.Verdict != audit.Open {
			t.Errorf("a grant to %s: %s, guesses %v, want open", principal, r.Verdict, r.Guesses)
		}
	}
}

// A caller that a grant names is tried itself, on what the grant allows, and with what its conditions require.
func TestNamedCallersAreTried(t *testing.T) {
	grant := func(principal, resource, condition string) string {
		return document(plainHTTP, `{"Sid":"Grant","Effect":"Allow","Principal":`+principal+`,"Action":"s3:Get*","Resource":"arn:aws:s3:::docs-example`+resource+`","Condition":`+condition+`}`)
	}
	for name, c := range map[string]struct{ policy, caller string }{
		"a service with a source":    {grant(`{"Service":"cloudfront.amazonaws.com"}`, "/*", `{"StringEquals":{"AWS:SourceArn":"arn:aws:cloudfront::111122223333:distribution/E1"}}`), "cloudfront.amazonaws.com"},
		"a role of another account":  {grant(`{"AWS":"arn:aws:iam::444455556666:role/reader"}`, "/*", `{}`), "arn:aws:iam::444455556666:role/reader"},
		"another account":            {grant(`{"AWS":"999900001111"}`, "/*", `{}`), "user of account 999900001111"},
		"everyone, for one folder":   {grant(`"*"`, "/public/*", `{}`), "anonymous caller"},
		"everyone, from one network": {grant(`"*"`, "/*", `{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`), "anonymous caller"},
		"an organisation":            {grant(`"*"`, "/*", `{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}`), "user of another account"},
		"an origin access identity":  {grant(`{"AWS":"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"}`, "/*", `{}`), "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"},
		"its own account":            {grant(`"*"`, "/*", `{"StringEquals":{"aws:PrincipalAccount":"111122223333"}}`), ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := audit.JudgeBucket(bucket(c.policy), nil, lock.Lock{Account: account}, lock.AtLeast)
			found := ""
			for _, f := range r.Findings {
				if f.Rule == audit.GrantedToOthers && f.Statement == "Grant" {
					found = f.Access[0].Callers[0]
				}
			}
			if found != c.caller {
				t.Errorf("%q is granted access by Grant, want %q; findings: %+v", found, c.caller, r.Findings)
			}
		})
	}
}

// Grants to single principals of the account, or to a service that the exceptions let in and that acts for the account, are a part
// of the lock: they open nothing. All others are findings.
func TestGrantsThatOpenNothing(t *testing.T) {
	const butServices = `{"Sid":"Outside","Effect":"Deny","Principal":"*","Action":"s3:*",` + both + `,"Condition":{"StringNotEquals":{"aws:SourceVpce":"` + endpoint + `"},"BoolIfExists":{"aws:PrincipalIsAWSService":"false"}}}`
	const logs = `{"Sid":"Logs","Effect":"Allow","Principal":{"Service":"logging.s3.amazonaws.com"},"Action":"s3:PutObject",` + objects + `}`
	toApp := func(action, resource string) string {
		return `{"Effect":"Allow","Principal":{"AWS":"` + app + `"},"Action":"` + action + `","Resource":"arn:aws:s3:::docs-example` + resource + `"}`
	}
	for name, c := range map[string]struct {
		policy string
		want   audit.Verdict
	}{
		"objects, to its role":           {document(plainHTTP, outside, toApp("s3:*", "/*")), audit.Locked},
		"listing, to its role":           {document(plainHTTP, outside, toApp("s3:List*", "")), audit.Locked},
		"configuration, to its role":     {document(plainHTTP, outside, toApp("s3:Put*", "")), audit.Open},
		"everything, to its role":        {document(plainHTTP, outside, toApp("s3:*", "*")), audit.Open},
		"to the account":                 {document(plainHTTP, outside, strings.Replace(ownApp, app, "arn:aws:iam::111122223333:root", 1)), audit.Locked},
		"to a role of another account":   {document(plainHTTP, outside, ownApp, strings.Replace(ownApp, app, "arn:aws:iam::999900001111:role/app", 1)), audit.Open},
		"to a service":                   {document(plainHTTP, outside, logs), audit.Open},
		"to a service that is let in":    {document(plainHTTP, butServices, logs), audit.Open},
		"that acts for the account":      {document(plainHTTP, butServices, strings.Replace(logs, `"Resource"`, `"Condition":{"StringEquals":{"aws:SourceAccount":"`+account+`"}},"Resource"`, 1)), audit.Locked},
		"to everyone, services let in":   {document(plainHTTP, butServices, everyone), audit.Open},
		"to a canonical user":            {document(plainHTTP, outside, strings.Replace(ownApp, `"AWS":"`+app, `"CanonicalUser":"79a59df900b949e55d96a1e698fbaced`, 1)), audit.Open},
		"with NotAction, to its role":    {document(plainHTTP, outside, strings.Replace(ownApp, `"Action"`, `"NotAction"`, 1)), audit.Open},
		"with NotPrincipal, of its role": {document(plainHTTP, outside, strings.Replace(ownApp, `"Principal"`, `"NotPrincipal"`, 1)), audit.Open},
	} {
		r := audit.JudgeBucket(bucket(c.policy), nil, lock.Lock{Account: account}, lock.AtLeast)
		if r.Verdict != c.want {
			t.Errorf("%s: %s, %+v, want %s", name, r.Verdict, r.Findings, c.want)
		}
	}
}

// The rendered lock denies what the judge says that a lock must deny, for each kind of lock.
func TestRenderedLocksDenyWhatMustBeDenied(t *testing.T) {
	for name, l := range map[string]lock.Lock{
		"endpoint and workload":  {Account: account, EndpointIDs: []string{endpoint}, VPCIDs: []string{"vpc-0a"}, Workloads: lock.Roles(app)},
		"endpoint":               {Account: account, EndpointIDs: []string{endpoint}},
		"VPC":                    {Account: account, VPCIDs: []string{"vpc-0a"}},
		"nothing":                {},
		"management, exceptions": {Account: account, EndpointIDs: []string{endpoint}, Workloads: lock.Roles(app), ManagementRoles: []string{admin}, Exceptions: lock.Roles("arn:aws:iam::111122223333:role/backup-*")},
	} {
		t.Run(name, func(t *testing.T) {
			policy := l.BucketPolicy("docs-example")
			r := audit.JudgeBucket(bucket(policy), nil, l, lock.AtLeast)
			if r.Verdict != audit.Locked || r.Judgement != iampolicy.Same || len(r.Findings) != 0 {
				t.Errorf("its own policy %s: %+v, want the same and no findings", policy, r)
			}
			if name != "endpoint and workload" {
				return
			}
			if allowed := iampolicy.Allowed([]byte(policy), iampolicy.ForbiddenOnBucket(l.Setting("docs-example"))); allowed != "" {
				t.Errorf("%s allows %s", policy, allowed)
			}
		})
	}
}
