package iampolicy_test

import (
	"fmt"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// Judge treats some operators as equivalent or as narrower. These tests judge each pair of conditions on one key. If the
// verdict is not open, they evaluate both conditions with all values that may distinguish them.

// conditionsOn returns conditions on a key: all text operators, with and without set operators and IfExists.
func conditionsOn(key string, values ...string) []string {
	var all []string
	for _, set := range []string{"", "ForAnyValue:", "ForAllValues:"} {
		for _, base := range []string{"StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "ArnEquals", "ArnNotLike", "StringNotEqualsIgnoreCase"} {
			for _, suffix := range []string{"", "IfExists"} {
				for _, v := range values {
					all = append(all, `{"`+set+base+suffix+`":{"`+key+`":`+v+`}}`)
				}
			}
		}
	}
	return all
}

// contextsOf returns contexts of requests: one without the key, and one for each value.
func contextsOf(key string, values ...string) []map[string][]string {
	all := []map[string][]string{{}}
	for _, v := range values {
		all = append(all, map[string][]string{key: {v}})
	}
	return all
}

// checkRelaxations judges pairs of policies that have only one statement with one condition; the desired one is without
// IfExists. It returns how many pairs were not open.
func checkRelaxations(t *testing.T, effect string, conditions []string, contexts []map[string][]string) int {
	t.Helper()
	everything := []*iampolicy.Policy{mustParse(t, fullIdentity)}
	texts, policies := make([]string, len(conditions)), make([]*iampolicy.Policy, len(conditions))
	for i, c := range conditions {
		texts[i] = statements(`{"Effect":"` + effect + `","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::docs/*","Condition":` + c + `}`)
		policies[i] = mustParse(t, texts[i])
	}
	decide := func(p *iampolicy.Policy, context map[string][]string) iampolicy.Effect {
		r := iampolicy.Request{Principal: alice, Action: "s3:GetObject", Resource: object, ResourceAccount: owner, Context: context}
		if effect == "Allow" {
			return iampolicy.Evaluate(r, iampolicy.Policies{Identity: everything, Endpoint: p}).Effect
		}
		return iampolicy.Evaluate(r, iampolicy.Policies{Identity: everything, Resource: p}).Effect
	}
	trusted := 0
	for i, desired := range policies {
		if strings.Contains(conditions[i], "IfExists") {
			continue
		}
		for j, live := range policies {
			if i == j || iampolicy.Judge([]byte(texts[i]), []byte(texts[j]), nil).Verdict == iampolicy.Open {
				continue
			}
			trusted++
			for _, context := range contexts {
				if decide(desired, context) == deny && decide(live, context) != deny {
					t.Fatalf("Judge(%s, %s) is not open, but with %v the first denies and the second does not", texts[i], texts[j], context)
				}
			}
		}
	}
	return trusted
}

func TestRelaxedConditionsLetNothingThrough(t *testing.T) {
	const other = "arn:aws:iam::111122223333:role/other"
	for name, c := range map[string]struct {
		key      string
		values   []string
		contexts []map[string][]string
	}{
		"ids": {"aws:SourceVpce", []string{`"vpce-1"`, `["vpce-*","vpce-1"]`, `""`},
			contextsOf("aws:SourceVpce", "", "vpce-1", "vpce-2", "vpce-3", "VPCE-1", "vpce-*", "x")},
		"ARNs": {"aws:PrincipalArn", []string{`[` + quoted(app) + `,` + quoted(other) + `]`, `"arn:aws:iam::*:role/a?p"`, `"app"`},
			contextsOf("aws:PrincipalArn", "", app, other, "app", strings.ToUpper(app), "arn:aws:iam::111122223333:role/a?p", "arn:aws:iam::444455556666:role/app", app+":x", "arn:aws:iam")},
		"lists": {"aws:TagKeys", []string{`["x","y"]`, `"x"`},
			append(contextsOf("aws:TagKeys", "", "x", "y", "xx", "z"), map[string][]string{"aws:TagKeys": {"x", "y"}}, map[string][]string{"aws:TagKeys": {"x", "z"}}, map[string][]string{"aws:TagKeys": {"z", ""}})},
		"unknown": {"aws:Future", []string{`"x"`},
			append(contextsOf("aws:Future", "", "x", "y"), map[string][]string{"aws:Future": {"x", "z"}})},
	} {
		t.Run(name, func(t *testing.T) {
			conditions := conditionsOn(c.key, c.values...)
			for _, effect := range []string{"Deny", "Allow"} {
				if trusted := checkRelaxations(t, effect, conditions, c.contexts); trusted == 0 {
					t.Errorf("the verdict was open for all pairs of %d conditions, so nothing was tested", len(conditions))
				}
			}
		})
	}
}

// Common variants of the desired condition, and equivalent ones.
func TestJudgeKnowsOtherSpellingsOfACondition(t *testing.T) {
	spelt := func(operator string) string {
		return replaced(t, desiredBucket, `"Condition":{"StringNotEquals":{"aws:SourceVpce"`, `"Condition":{"`+operator+`":{"aws:SourceVpce"`)
	}
	roles := func(operator string) string {
		return replaced(t, desiredBucket, `"Condition":{"ArnNotEquals":{"aws:PrincipalArn":["arn:aws:iam::111122223333:role/app"`, `"Condition":{"`+operator+`":{"aws:PrincipalArn":["arn:aws:iam::111122223333:role/app"`)
	}
	checkJudge(t, desiredBucket, forbiddenOnBucket, map[string]judged{
		"StringNotLike of an id":              closed(spelt("StringNotLike")),
		"StringNotLikeIfExists of an id":      closed(spelt("StringNotLikeIfExists")),
		"ForAllValues of one value":           closed(spelt("ForAllValues:StringNotEquals")),
		"ForAllValues and StringNotLike":      closed(spelt("ForAllValues:StringNotLike")),
		"StringNotEquals of roles":            closed(roles("StringNotEquals")),
		"StringNotLike of roles":              closed(roles("StringNotLike")),
		"ForAllValues of roles":               closed(roles("ForAllValues:ArnNotEquals")),
		"ForAnyValue, which needs the key":    open(spelt("ForAnyValue:StringNotEquals"), "workload from the internet: s3:GetObject on arn:aws:s3:::docs/thankyou.txt is allowed"),
		"StringNotLike with a wildcard":       open(strings.Replace(spelt("StringNotLike"), `"aws:SourceVpce":"vpce-0123456789abcdef0"`, `"aws:SourceVpce":"vpce-*"`, 1), "is allowed"),
		"ForAllValues, the other way":         open(spelt("ForAllValues:StringEquals"), "is allowed"),
		"StringNotEquals of a role's pattern": open(strings.Replace(roles("StringNotLike"), "role/app", "role/a*p", 1), "cannot be shown to be closed"),
	})
}

// An open verdict names a request only if Evaluate allows it.
func TestOpenNamesOnlyWhatIsAllowed(t *testing.T) {
	everything := []*iampolicy.Policy{mustParse(t, fullIdentity)}
	byName := map[string]iampolicy.Request{}
	for _, p := range forbiddenOnBucket {
		byName[p.Name()] = p.Request()
	}
	named, unnamed := 0, 0
	for _, operator := range []string{"StringNotEquals", "StringEquals", "StringNotLike", "ForAnyValue:StringNotEquals", "ForAllValues:StringNotEquals", "StringNotEqualsIfExists", "Null"} {
		for _, value := range []string{"vpce-0123456789abcdef0", "vpce-0fedcba9876543210", "vpce-*", "true"} {
			live := strings.ReplaceAll(desiredBucket, `"StringNotEquals":{"aws:SourceVpce":"vpce-0123456789abcdef0"}`, fmt.Sprintf(`%q:{"aws:SourceVpce":%q}`, operator, value))
			policy, err := iampolicy.Parse([]byte(live))
			got := iampolicy.Judge([]byte(desiredBucket), []byte(live), listed(forbiddenOnBucket))
			if err != nil || got.Verdict != iampolicy.Open {
				continue
			}
			if strings.HasPrefix(got.Allowed, "cannot be shown to be closed: ") {
				unnamed++
				continue
			}
			named++
			name, _, _ := strings.Cut(got.Allowed, " is allowed (")
			request, ok := byName[name]
			if d := iampolicy.Evaluate(request, iampolicy.Policies{Identity: everything, Resource: policy}); !ok || d.Effect != allow {
				t.Errorf("Judge(desired, %s) says %q, but the request is %s (%s)", live, got.Allowed, d.Effect, d.By)
			}
		}
	}
	if named == 0 || unnamed == 0 {
		t.Errorf("%d verdicts name a request and %d do not, want both kinds", named, unnamed)
	}
}
