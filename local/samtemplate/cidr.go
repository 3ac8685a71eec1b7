package samtemplate

import (
	"math/big"
	"net/netip"
	"strconv"
)

// cidr evaluates Fn::Cidr: [block, count, host bits of each]. It returns the first count networks of that size in the
// block.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-cidr.html
func (s scope) cidr(arg place) (any, error) {
	texts, err := s.threeTexts(arg)
	if err != nil {
		return nil, err
	}
	block, err := netip.ParsePrefix(texts[0])
	if err != nil {
		return nil, arg.errorf("Fn::Cidr: %w", err)
	}
	count, err := strconv.Atoi(texts[1])
	if err != nil || count < 1 || count > 256 {
		return nil, arg.errorf("Fn::Cidr: %s networks, want 1 to 256", texts[1])
	}
	hostBits, err := strconv.Atoi(texts[2])
	spare := block.Addr().BitLen() - block.Bits() - hostBits
	if err != nil || hostBits < 1 || spare < 0 || (spare < 9 && count > 1<<spare) {
		return nil, arg.errorf("Fn::Cidr: %d networks with %s host bits do not fit %s", count, texts[2], block)
	}
	return networks(block.Masked(), count, hostBits), nil
}

// networks returns the first count networks in the block.
func networks(block netip.Prefix, count, hostBits int) []any {
	list := make([]any, count)
	next := new(big.Int).SetBytes(block.Addr().AsSlice())
	step := new(big.Int).Lsh(big.NewInt(1), uint(hostBits))
	for i := range list {
		bytes := next.FillBytes(make([]byte, block.Addr().BitLen()/8))
		address, _ := netip.AddrFromSlice(bytes)
		list[i] = netip.PrefixFrom(address, address.BitLen()-hostBits).String()
		next.Add(next, step)
	}
	return list
}
