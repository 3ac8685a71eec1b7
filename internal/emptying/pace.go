package emptying

import "time"

const (
	// documentedRate is how many keys per second S3 deletes at least under one prefix (docs/facts.md: S3). A pace starts
	// there when S3 throttles for the first time: it is the best guess before the first measurement.
	documentedRate = 3500
	// firstShare keeps the first rate a little below the documented rate, so that it is not throttled itself.
	firstShare = 0.99
	// steady is the part by which a rate grows per second after throttling: so slowly that, at S3's limit, one batch in
	// about half a minute is throttled. Below the documented rate, which S3 allows at least, a rate grows by catchUp.
	steady  = 0.0025
	catchUp = 0.03
	// patience is how long a rate grows steadily. Without throttling it then doubles every doubling, because S3 may
	// allow more. Throttling soon after that (within returning) shows that the rate was right when the doubling began.
	patience  = 25 * time.Second
	doubling  = 4 * time.Second
	returning = 6 * time.Second
	// slowest is the lowest rate: a batch every 10 s.
	slowest = 100
)

// easing is what a rate is multiplied by at the first, second and each further throttled batch in a row.
var easing = [...]float64{0.94, 0.8, 0.5}

// pace spaces the batches that go to one prefix. It does not wait itself, and callers pass the time. The zero value has
// no limit.
type pace struct {
	rate    float64   // keys per second; 0 means no limit
	next    time.Time // when the next batch may be sent
	changed time.Time // when the rate was last lowered: answers to earlier batches are not news
	grown   time.Time // up to when growth is included in the rate
	inARow  int       // throttled batches since the last success
	settled float64   // the rate at the end of its steady growth
}

// limit starts a pace at a rate.
func (p *pace) limit(now time.Time, rate float64) {
	*p = pace{rate: rate, next: now, changed: now, grown: now}
}

// wait returns how long until the next batch may be sent.
func (p *pace) wait(now time.Time) time.Duration {
	if p.rate == 0 {
		return 0
	}
	return p.next.Sub(now)
}

// sent counts n keys as sent now.
func (p *pace) sent(now time.Time, n int) {
	if p.rate == 0 {
		return
	}
	p.grow(now)
	if p.next.Before(now) {
		p.next = now
	}
	p.next = p.next.Add(time.Duration(float64(n) / p.rate * float64(time.Second)))
}

// grow raises the rate for the time without throttling.
func (p *pace) grow(now time.Time) {
	elapsed := now.Sub(p.grown).Seconds()
	p.grown = now
	if below := documentedRate * firstShare; p.rate < below {
		p.rate = min(p.rate*(1+catchUp*elapsed), below)
	}
	if now.Sub(p.changed) < patience {
		p.rate *= 1 + steady*elapsed
		p.settled = p.rate
		return
	}
	p.rate *= 1 + min(elapsed/doubling.Seconds(), 1)
}

// accepted notes that S3 did not throttle a batch.
func (p *pace) accepted() { p.inARow = 0 }

// refused lowers the rate, because a batch that was sent at the given time was throttled. Batches sent before the rate
// was last lowered do not count.
func (p *pace) refused(now, sent time.Time) {
	if sent.Before(p.changed) {
		return
	}
	eased := p.rate * easing[min(p.inARow, len(easing)-1)]
	if since := now.Sub(p.changed) - patience; since > 0 && since < returning {
		eased = min(eased, p.settled)
	}
	p.rate = max(eased, slowest)
	p.inARow++
	p.changed, p.grown = now, now
}
