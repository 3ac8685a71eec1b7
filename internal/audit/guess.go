package audit

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/lock"
)

// Guess is one part of a lock that was guessed.
type Guess struct {
	// What is e.g. "endpoint", Values what was guessed, From the reason, e.g. "aws:SourceVpce in DenyOutside".
	What   string   `json:"what"`
	Values []string `json:"values"`
	From   string   `json:"from"`
	// Invented is true if nothing was found from which it could be guessed.
	Invented bool `json:"invented,omitempty"`
}

func (g Guess) String() string {
	return g.What + " " + strings.Join(g.Values, ", ") + " (" + g.From + ")"
}

// guesser guesses what a lock lacks.
type guesser struct {
	lock    lock.Lock
	given   lock.Lock
	guesses []Guess
}

// GuessLock completes a lock for a bucket: it takes what the lock does not say from the bucket's policy. The endpoints are
// those of the network conditions, the workloads and the exceptions are what the Deny statements except. Endpoints that
// were found, but that no policy names, are only used if the policy has no network condition.
//
// Exceptions by what a caller can choose, such as aws:UserAgent or aws:Referer, are never guessed, nor those for whole
// accounts or organisations: they would make the lock meaningless.
func GuessLock(l lock.Lock, b Bucket, endpoints []Endpoint) (lock.Lock, []Guess) {
	g := &guesser{lock: l, given: l, guesses: []Guess{}}
	views := viewsOf(b.Policy)
	g.guessAccount(b.Account, views)
	g.guessRegion(b.Region, views)
	for _, v := range views {
		if v.Allow {
			g.guessFromAllow(v)
		} else {
			g.guessFromDeny(v)
		}
	}
	if g.given.Grants == nil {
		for _, v := range g.lock.GrantsIn(views) {
			g.lock.Grants = append(g.lock.Grants, json.RawMessage(v.Text))
			g.add("grant", v.Title, slices.Concat(v.Principals, v.Services)...)
		}
	}
	if g.lacksNetwork() {
		for _, e := range endpoints {
			g.addEndpoint(e.ID, "found beside the bucket")
		}
	}
	if g.lacksNetwork() && !slices.ContainsFunc(g.lock.Exceptions, func(e lock.Exception) bool { return lock.IsNetwork(e.Key) }) {
		g.guesses = append(g.guesses, Guess{"endpoint", []string{lock.InventedEndpoint}, "invented, because no policy names one", true})
	}
	return g.lock, g.guesses
}

// GuessThrough completes a lock for an endpoint.
func GuessThrough(l lock.Lock, e Endpoint) (lock.Lock, []Guess) {
	g := &guesser{lock: l, given: l, guesses: []Guess{}}
	views := viewsOf(e.Policy)
	g.guessAccount(e.Account, views)
	g.guessRegion(e.Region, views)
	for _, v := range views {
		for _, c := range v.Conditions {
			g.guessPerimeter(v, c)
		}
		if !v.Allow {
			continue
		}
		for _, r := range v.Resources {
			if bucket, isAWS := awsBucket(r); isAWS && !v.NotResource && !slices.Contains(g.lock.AWSBuckets, r) {
				g.lock.AWSBuckets = append(g.lock.AWSBuckets, r)
				g.add("bucket of AWS", "resource of "+v.Title, bucket)
			}
		}
	}
	return g.lock, g.guesses
}

// guessPerimeter takes from a condition of an endpoint's policy whom and what the endpoint serves, in addition to the
// account, and how the policy says so.
func (g *guesser) guessPerimeter(v iampolicy.View, c iampolicy.ConditionView) {
	one := len(c.Values) == 1
	switch {
	case c.Key == "aws:ResourceAccount" || c.Key == "s3:ResourceAccount" || c.Key == "aws:PrincipalAccount":
		if c.Key == "s3:ResourceAccount" {
			g.lock.OwnerKey = c.Key
		}
		g.lock.ByDeny = g.lock.ByDeny || !v.Allow && c.Negated
	case !v.Allow:
	case c.Key == "aws:PrincipalOrgID" || c.Key == "aws:ResourceOrgID":
		if !c.Negated && one && strings.HasPrefix(c.Values[0], "o-") && g.lock.Organization == "" {
			g.lock.Organization = c.Values[0]
			g.add("organisation", c.Key+" in "+v.Title, c.Values...)
		}
	case c.Key == "aws:PrincipalIsAWSService" && one && c.Values[0] == "true" && len(v.Conditions) == 1 && !g.lock.Services:
		g.lock.Services = true
		g.add("AWS services", c.Key+" in "+v.Title, "all")
	}
}

// viewsOf returns the statements of a document as far as they are known.
func viewsOf(d Document) []iampolicy.View {
	text, err := d.least()
	if err != nil {
		return nil
	}
	return iampolicy.ViewsOf(text)
}

func (g *guesser) add(what, from string, values ...string) {
	if i := slices.IndexFunc(g.guesses, func(o Guess) bool { return o.What == what && o.From == from }); i >= 0 {
		g.guesses[i].Values = lock.Union(g.guesses[i].Values, values)
		return
	}
	g.guesses = append(g.guesses, Guess{What: what, Values: slices.Clone(values), From: from})
}

// guessAccount takes the account that was found, or else the one that the conditions name most often. The principals of
// Allow statements do not count: a grant to another account must not make it the owner.
func (g *guesser) guessAccount(found string, views []iampolicy.View) {
	if g.lock.Account != "" {
		return
	}
	if g.lock.Account = found; found != "" {
		return
	}
	if account := mostFrequent(ownAccounts(views)); account != "" {
		g.lock.Account = account
		g.add("account", "its conditions name it", account)
		return
	}
	g.lock.Account = lock.InventedAccount
	g.guesses = append(g.guesses, Guess{"account", []string{lock.InventedAccount}, "invented, because no condition names one", true})
}

func ownAccounts(views []iampolicy.View) []string {
	var accounts []string
	for _, v := range views {
		for _, c := range v.Conditions {
			switch c.Key {
			case "aws:PrincipalArn", "aws:PrincipalAccount", "aws:ResourceAccount", "s3:ResourceAccount", "aws:SourceAccount":
				accounts = append(accounts, accountsIn(c.Values)...)
			}
		}
	}
	return accounts
}

var accountID = regexp.MustCompile(`^(?:arn:[^:]*:[^:]*:[^:]*:)?([0-9]{12})(?::.*)?$`)

// accountsIn returns the accounts in ARNs and account ids.
func accountsIn(texts []string) []string {
	var accounts []string
	for _, text := range texts {
		if m := accountID.FindStringSubmatch(text); m != nil {
			accounts = append(accounts, m[1])
		}
	}
	return accounts
}

// mostFrequent returns the most frequent text; of several the first in alphabetical order.
func mostFrequent(texts []string) string {
	count := map[string]int{}
	for _, text := range texts {
		count[text]++
	}
	best := ""
	for _, text := range slices.Sorted(maps.Keys(count)) {
		if count[text] > count[best] {
			best = text
		}
	}
	return best
}

// guessRegion takes the Region that was found, and the partition of the resources.
func (g *guesser) guessRegion(found string, views []iampolicy.View) {
	if g.lock.Region == "" {
		g.lock.Region = found
	}
	if g.lock.Region != "" || g.lock.Partition != "" {
		return
	}
	for _, v := range views {
		for _, r := range v.Resources {
			if parts := strings.Split(r, ":"); len(parts) > 2 && (parts[1] == "aws-cn" || parts[1] == "aws-us-gov") {
				g.lock.Partition = parts[1]
			}
		}
	}
}

// guessFromAllow takes the endpoints and VPCs that an Allow requires.
func (g *guesser) guessFromAllow(v iampolicy.View) {
	for _, c := range v.Conditions {
		if !c.Negated {
			g.guessNetworks(v, c)
		}
	}
}

// guessNetworks takes the endpoints or VPCs of a network condition.
func (g *guesser) guessNetworks(v iampolicy.View, c iampolicy.ConditionView) {
	for _, value := range c.Values {
		switch {
		case strings.ContainsAny(value, "*?$"):
			// a pattern also matches the endpoints of other accounts
		case c.Key == "aws:SourceVpce" && strings.HasPrefix(value, "vpce-"):
			g.addEndpoint(value, "aws:SourceVpce in "+v.Title)
		case c.Key == "aws:SourceVpc" && strings.HasPrefix(value, "vpc-"):
			g.addVPC(value, "aws:SourceVpc in "+v.Title)
		}
	}
}

func (g *guesser) addEndpoint(id, from string) {
	if len(g.given.EndpointIDs) == 0 && !slices.Contains(g.lock.EndpointIDs, id) {
		g.lock.EndpointIDs = append(g.lock.EndpointIDs, id)
		g.add("endpoint", from, id)
	}
}

func (g *guesser) addVPC(id, from string) {
	if len(g.given.EndpointIDs)+len(g.given.VPCIDs) == 0 && !slices.Contains(g.lock.VPCIDs, id) {
		g.lock.VPCIDs = append(g.lock.VPCIDs, id)
		g.add("VPC", from, id)
	}
}

func (g *guesser) lacksNetwork() bool { return len(g.lock.EndpointIDs)+len(g.lock.VPCIDs) == 0 }

// guessFromDeny takes what a Deny excepts.
//
//	network condition   about objects   what it excepts
//	yes                 yes             exceptions
//	yes                 no              management roles, from aws:PrincipalArn
//	no                  yes             workloads
//	no                  no              nothing: the workloads of the objects count
func (g *guesser) guessFromDeny(v iampolicy.View) {
	network := false
	for _, c := range v.Conditions {
		network = network || c.Negated && lock.IsNetwork(c.Key)
	}
	var excepted []lock.Exception
	networks := 0
	for _, c := range v.Conditions {
		if e := exceptionOf(c); c.Negated && (c.Key == "aws:SourceVpce" || c.Key == "aws:SourceVpc") {
			g.guessNetworks(v, c)
			networks++
		} else if excepts(c) && g.isNarrow(e, network) {
			excepted = append(excepted, e)
		}
	}
	if networks > 1 { // one of them is not the lock's own: a VPC, beside an endpoint
		for _, c := range v.Conditions {
			if c.Key == "aws:SourceVpc" && c.Negated {
				excepted = append(excepted, exceptionOf(c))
			}
		}
	}
	switch {
	case network && aboutObjects(v):
		for _, e := range excepted {
			if g.given.Exceptions == nil {
				g.lock.Exceptions = lock.Merge(g.lock.Exceptions, e)
				g.add("exception", v.Title, e.String())
			}
		}
	case network && g.given.ManagementRoles == nil:
		g.guessManagement(v, excepted)
	case !network && aboutObjects(v) && g.given.Workloads == nil && slices.ContainsFunc(excepted, isIdentity):
		for _, e := range excepted {
			g.lock.Workloads = lock.Merge(g.lock.Workloads, e)
			g.add("workload", v.Title, e.String())
		}
	}
}

func (g *guesser) guessManagement(v iampolicy.View, excepted []lock.Exception) {
	for _, e := range excepted {
		if e.Key == "aws:PrincipalArn" {
			g.lock.ManagementRoles = lock.Union(g.lock.ManagementRoles, e.Values)
			g.add("management role", v.Title, e.Values...)
		}
	}
}

func exceptionOf(c iampolicy.ConditionView) lock.Exception {
	return lock.Exception{Operator: c.Operator, Key: c.Key, Values: c.Values}
}

func isIdentity(e lock.Exception) bool { return lock.HasKey(lock.IdentityKeys, e.Key) }

// excepts reports whether a condition of a Deny excepts requests by something that a caller cannot choose.
func excepts(c iampolicy.ConditionView) bool {
	switch {
	case c.Key == "aws:PrincipalIsAWSService" || c.Key == "aws:ViaAWSService":
		return slices.Equal(c.Values, []string{"false"})
	case !c.Negated || slices.ContainsFunc(c.Values, func(v string) bool { return strings.Contains(v, "${") }):
		return false
	}
	return lock.HasKey(lock.IdentityKeys, c.Key) || lock.HasKey(lock.ServiceKeys, c.Key) || c.Key == "aws:SourceIp"
}

// broad matches the resource part of an ARN that stands for all principals of an account.
var broad = regexp.MustCompile(`^((role|user|assumed-role)/)?[?*]+$`)

// isNarrow reports whether an exception is for single principals or networks. An exception from the network condition for
// all principals of an account or an organisation is not.
func (g *guesser) isNarrow(e lock.Exception, network bool) bool {
	if !network {
		return true
	}
	switch {
	case lock.HasKey([]string{"aws:PrincipalOrgID", "aws:PrincipalOrgPaths"}, e.Key):
		return false
	case e.Key == "aws:PrincipalAccount":
		return !slices.Contains(e.Values, g.lock.Account)
	case e.Key == "aws:SourceIp":
		return !slices.ContainsFunc(e.Values, func(v string) bool { return strings.HasSuffix(v, "/0") })
	}
	return !slices.ContainsFunc(e.Values, func(v string) bool {
		if !strings.HasPrefix(v, "arn:") {
			return strings.Trim(v, "?*") == ""
		}
		parts := strings.SplitN(v, ":", 6)
		return broad.MatchString(parts[len(parts)-1])
	})
}

// aboutObjects reports whether a statement is about the objects, and not only about listings.
func aboutObjects(v iampolicy.View) bool {
	if v.NotAction {
		return true
	}
	data := func(action string) bool {
		return !strings.HasPrefix(action, "s3:List") && !strings.HasPrefix(action, "s3:Head")
	}
	objects := func(r string) bool { return strings.Contains(r, "/") || strings.HasSuffix(r, "*") }
	return (v.NotResource || slices.ContainsFunc(v.Resources, objects)) && slices.ContainsFunc(v.Actions, data)
}

// awsBuckets are the names of buckets of AWS, from which clients behind an endpoint read packages, patches and images.
// R is a Region's name.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/ssm-agent-minimum-s3-permissions.html
// https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html#ecr-setting-up-s3-gateway
// https://docs.aws.amazon.com/linux/al2023/ug/managing-repos-os-updates.html
var awsBuckets = regexp.MustCompile(strings.ReplaceAll(`^(al2023-repos-R-de612dc2|amazonlinux-2-repos-R|`+
	`(amazonlinux|packages|repo)\.R\.amazonaws\.com|prod-R-starport-layer-bucket|(aws|amazon)-ssm-R|`+
	`amazon-ssm-packages-R|aws-windows-downloads-R|R-birdwatcher-prod|`+
	`aws-ssm-distributor-file-R|aws-ssm-document-attachments-R|patch-baseline-snapshot-R|aws-patchmanager-macos-R|`+
	`amazoncloudwatch-agent(-R)?|aws-codedeploy-R|repo\.R\.emr\.amazonaws\.com)$`, "R", `[a-z]{2}(-[a-z]+)+-[0-9]`))

// awsBucket returns the bucket in the ARN of objects, and whether it is one of AWS's.
func awsBucket(arn string) (string, bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || parts[2] != "s3" {
		return "", false
	}
	bucket, _, objects := strings.Cut(parts[5], "/")
	return bucket, objects && awsBuckets.MatchString(bucket)
}
