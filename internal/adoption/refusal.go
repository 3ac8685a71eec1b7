package adoption

import (
	"fmt"
	"strings"
)

// Reason is why one thing cannot be guarded, or could not be put back.
type Reason struct {
	// About is a bucket's name, an endpoint's id, or "" for a reason that concerns all.
	About string
	// Why is a sentence that does not name it, so that the same reasons can be listed together, and says what to do.
	Why string
}

// reasonsSize is the most bytes of [Summary], so that it fits into an answer to CloudFormation with its ids and escapes.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
const reasonsSize = 3000

// Summary lists all reasons in one text of at most 3,000 bytes: each reason once, with what it concerns. If not everything fits, the
// texts of the reasons come before names, and the number of those that are left out is given.
func Summary(reasons []Reason) string {
	var order []string
	about := map[string][]string{}
	for _, r := range reasons {
		if _, seen := about[r.Why]; !seen {
			order = append(order, r.Why)
			about[r.Why] = nil
		}
		if r.About != "" {
			about[r.Why] = append(about[r.Why], r.About)
		}
	}
	const mark = "; and %d more reasons, see the function's log"
	room := reasonsSize - len(mark)
	var fit []string
	for _, why := range order {
		need := len(why) + len("; : ") + len(shorten(about[why], 0))
		if need > room {
			break
		}
		room -= need
		fit = append(fit, why)
	}
	var lines []string
	for i, why := range fit {
		names := about[why]
		if len(names) == 0 {
			lines = append(lines, why)
			continue
		}
		least := len(shorten(names, 0))
		text := shorten(names, least+room/(len(fit)-i))
		room -= len(text) - least
		lines = append(lines, text+": "+why)
	}
	text := strings.Join(lines, "; ")
	if left := len(order) - len(fit); left > 0 {
		text += fmt.Sprintf(mark, left)
	}
	return text
}

// shorten joins names so that they have at most size bytes, and counts the others: "a, b and 3 more". The first name is always there.
func shorten(names []string, size int) string {
	if len(names) == 0 {
		return ""
	}
	if all := strings.Join(names, ", "); len(all) <= size || len(names) == 1 {
		return all
	}
	text := names[0]
	for n, name := range names[1:] {
		with := text + ", " + name
		if rest := len(names) - n - 2; rest == 0 && len(with) <= size || rest > 0 && len(with+more(rest)) <= size {
			text = with
			continue
		}
		return text + more(len(names)-n-1)
	}
	return text
}

func more(n int) string { return fmt.Sprintf(" and %d more", n) }
