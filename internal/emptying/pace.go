package emptying

import "time"

const (
	// documentedRate is how many keys per second S3 deletes at least under one prefix (FACTS: S3). It is where a pace
	// starts once S3 has refused anything at all: the best guess before the first measurement.
	documentedRate = 3500
	// firstShare leaves a little of the documented rate, so that the guess itself is not refused.
	firstShare = 0.99
	// steady is by how much of itself a rate grows per second after a refusal: so slowly that, at S3's limit, one
	// refusal comes in about half a minute. Below the documented rate, which S3 gives at least, it grows by catchUp.
	steady  = 0.0025
	catchUp = 0.03
	// patience is how long a rate grows steadily; without a refusal it then doubles every doubling, for S3 may have
	// more to give. A refusal soon after that (within returning) shows that the rate was right when it began.
	patience  = 25 * time.Second
	doubling  = 4 * time.Second
	returning = 6 * time.Second
	// slowest is the rate below which no refusal pushes: a batch every 10 s.
	slowest = 100
)

// easing is what a rate is multiplied by at the first, second and any further refusal in a row.
var easing = [...]float64{0.94, 0.8, 0.5}

// pace spaces the batches that go to one prefix. It does no waiting itself: the time is always given. The zero value
// is without limit.
type pace struct {
	rate    float64   // keys per second; 0 is without limit
	next    time.Time // when the next batch may go
	changed time.Time // when the rate was last lowered: answers to what was sent before tell nothing new
	grown   time.Time // up to when growth has been counted in
	inARow  int       // refusals since the last success
	settled float64   // the rate up to which it grew steadily
}

// limit makes a pace begin at the documented rate.
func (p *pace) limit(now time.Time, rate float64) {
	*p = pace{rate: rate, next: now, changed: now, grown: now}
}

// wait is how long until the next batch may go.
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

// grow raises the rate for the time that passed without a refusal.
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

// accepted notes that S3 took a batch.
func (p *pace) accepted() { p.inARow = 0 }

// refused lowers the rate because a batch that was sent at a time was refused, unless that is no news.
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
