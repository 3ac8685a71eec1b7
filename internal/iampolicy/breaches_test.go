package iampolicy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// Breaches must agree with Evaluate, request by request: the caller's identity policies, and the other documents, allow all.
func TestBreachesAreWhatEvaluateAllows(t *testing.T) {
	for name, c := range map[string]struct {
		document  string
		forbidden []iampolicy.ForbiddenRequest
	}{
		"desired bucket":      {desiredBucket, forbiddenOnBucket},
		"article's bucket":    {articleBucket, forbiddenOnBucket},
		"one grant":           {statements(`{"Sid":"Share","Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"s3:Get*","Resource":"arn:aws:s3:::docs/*"}`), forbiddenOnBucket},
		"undecided":           {statements(`{"Effect":"Allow","Principal":{"CanonicalUser":"79a59df900b949e5"},"Action":"s3:*","Resource":"arn:aws:s3:::docs/*"}`), forbiddenOnBucket},
		"no bucket policy":    {"", forbiddenOnBucket},
		"desired endpoint":    {desiredEndpoint, forbiddenThroughEndpoint},
		"article's endpoint":  {articleEndpoint, forbiddenThroughEndpoint},
		"no endpoint policy":  {"", forbiddenThroughEndpoint},
		"endpoint of fullest": {fullAccess, forbiddenThroughEndpoint},
	} {
		t.Run(name, func(t *testing.T) {
			breaches, err := iampolicy.Breaches([]byte(c.document), c.forbidden)
			if err != nil {
				t.Fatal(err)
			}
			got := map[int]iampolicy.Breach{}
			for _, b := range breaches {
				got[b.Index] = b
			}
			for i, f := range c.forbidden {
				b, found := got[i]
				p := iampolicy.Policies{Identity: []*iampolicy.Policy{mustParse(t, fullIdentity)}}
				everything := mustParse(t, fullAccess)
				switch {
				case f.OfEndpoint() && c.document == "":
					p.Resource = everything
				case f.OfEndpoint():
					p.Resource, p.Endpoint = everything, mustParse(t, c.document)
				case c.document != "":
					p.Resource = mustParse(t, c.document)
				}
				d := iampolicy.Evaluate(f.Request(), p)
				if found != (d.Effect != iampolicy.Deny) || found && b.Certain != (d.Effect == iampolicy.Allow) {
					t.Fatalf("%s: breach %+v (found: %t), but Evaluate = %s (%s)", f.Name(), b, found, d.Effect, d.By)
				}
			}
		})
	}
}

func TestBreachesNameTheStatementAndTheStandpoint(t *testing.T) {
	share := statements(plainHTTP, `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:user/stranger"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::docs/*"}`)
	breaches, err := iampolicy.Breaches([]byte(share), forbiddenOnBucket)
	if err != nil {
		t.Fatal(err)
	}
	byStatement := map[string]int{}
	for _, b := range breaches {
		f := &forbiddenOnBucket[b.Index]
		if from := f.From(); !strings.HasPrefix(f.Name(), from.Caller+" "+from.Path+": ") || from.Principal != f.Request().Principal {
			t.Errorf("From() = %+v for %s", from, f.Name())
		}
		byStatement[b.Statement]++
	}
	if byStatement["statement 2"] != 4 || byStatement[""] == 0 || len(byStatement) != 2 {
		t.Errorf("breaches by statement: %v, want 4 of statement 2 (one for each network path over TLS), and others by none", byStatement)
	}
	if _, err := iampolicy.Breaches([]byte("{"), forbiddenOnBucket); err == nil {
		t.Error("Breaches of a document that is not a policy: no error")
	}
	made := []iampolicy.ForbiddenRequest{iampolicy.Forbid(iampolicy.Standpoint{Principal: "nonsense"}, "s3:GetObject", object, owner)}
	if list, err := iampolicy.Breaches([]byte(desiredBucket), made); err != nil || len(list) != 1 || list[0].Certain || list[0].Doubt == "" {
		t.Errorf("Breaches of a request by no principal = %+v, %v, want one doubt", list, err)
	}
	if from := made[0].From(); from.Principal != "nonsense" || from.Caller != "" {
		t.Errorf("From of a request made elsewhere = %+v", from)
	}
}

func TestViewsShowWhatStatementsSay(t *testing.T) {
	views := mustParse(t, statements(
		`{"Sid":"A","Effect":"Deny","Principal":{"AWS":["arn:aws:iam::111122223333:root","arn:aws:iam::111122223333:role/app"]},"NotAction":["s3:getobject"],"NotResource":"arn:aws:s3:::docs/*",
		  "Condition":{"StringNotEquals":{"aws:sourcevpce":["vpce-2","vpce-1"]}}}`,
		`{"Effect":"Allow","Principal":"*","Action":"s3:Get*","Resource":"*"}`)).Views()
	for i := range views {
		if views[i].Text == "" {
			t.Errorf("view %d has no text", i)
		}
		views[i].Text = ""
	}
	want := []iampolicy.View{
		{Title: "A", Sid: "A", Principals: []string{"111122223333", app}, NotAction: true, NotResource: true, Actions: []string{"s3:GetObject"}, Resources: []string{"arn:aws:s3:::docs/*"},
			Conditions: []iampolicy.ConditionView{{Operator: "StringNotEquals", Key: "aws:SourceVpce", Negated: true, Values: []string{"vpce-1", "vpce-2"}}}},
		{Title: "statement 2", Allow: true, Everyone: true, Actions: []string{"s3:Get*"}, Resources: []string{"*"}},
	}
	if diff := cmp.Diff(want, views); diff != "" {
		t.Errorf("Views (-want +got):\n%s", diff)
	}
}
