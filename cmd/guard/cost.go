package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"example.com/s3-endpoint-guard/local/cost"
)

func costCommand() *cobra.Command {
	var where stackFlags
	var asJSON bool
	var buckets int
	command := &cobra.Command{
		Use:   "cost",
		Short: "Compute what the stack costs in a month, part by part",
		Long: `Computes what template.yaml costs in a month, with the prices and the usage of local/cost/prices.json. The interface
endpoint is listed on a line of its own, and the app is left out, because both cost the same without the guard.

With --buckets it computes what guard.yaml costs for so many buckets that exist. What these cost themselves is not in it.

Each part is listed at list price, with the parameter that leaves it out. The last lines show the sum, and the sum
without what AWS's free tier covers.`,
		Args: arguments(0, 0),
		RunE: func(command *cobra.Command, _ []string) error {
			where.existing = command.Flags().Changed("buckets")
			if buckets < 1 {
				return fmt.Errorf("--buckets %d: want at least 1", buckets)
			}
			plan, err := where.plan()
			if err != nil {
				return err
			}
			table, err := cost.Prices()
			if err != nil {
				return err
			}
			bill, err := table.Month(plan, buckets)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(command.OutOrStdout()).Encode(billLine(table, bill))
			}
			printBill(command.OutOrStdout(), table, bill)
			return nil
		},
	}
	command.Flags().IntVar(&buckets, "buckets", 1, "compute guard.yaml for `N` buckets that exist")
	command.Flags().BoolVar(&asJSON, "json", false, "print one line of JSON")
	where.flags(command.Flags())
	return command
}

// billLine returns a bill as JSON.
func billLine(table cost.Table, bill cost.Bill) map[string]any {
	parts := map[string]float64{}
	for _, part := range bill.Parts {
		parts[part.Name] = part.USD()
	}
	return map[string]any{
		"asOf": table.AsOf, "region": table.Region, "listUSD": bill.USD(), "paidUSD": bill.Paid(), "parts": parts,
		"endpointUSD": bill.Endpoint.USD(),
	}
}

// printBill prints a bill as a Markdown table, which is also readable in a terminal.
func printBill(w io.Writer, table cost.Table, bill cost.Bill) {
	fmt.Fprintf(w, "Prices of %s in %s, in %s for a month of %v hours.\n\n", table.AsOf, table.Region, table.Currency, table.HoursPerMonth)
	rows := [][]string{{"part", "a month", "most of it", "to leave it out"}}
	for _, part := range bill.Parts {
		rows = append(rows, partRow(bill, part))
	}
	rows = append(rows,
		[]string{"**the guard, at list price**", dollars(bill.USD()), "", ""},
		[]string{"**the guard, with AWS's free tier**", dollars(bill.Paid()), "where nothing else in the account uses it", ""})
	if len(bill.Endpoint.Items) > 0 {
		rows = append(rows, partRow(bill, bill.Endpoint))
	}
	printTable(w, rows)
}

// least is the smallest amount, in US dollars, that is printed.
const least = 0.1

// partRow returns the table row of a part, with its larger items.
func partRow(bill cost.Bill, part cost.Part) []string {
	var of []string
	for _, item := range part.Items {
		if item.USD >= least {
			of = append(of, fmt.Sprintf("%s %s (%s)", dollars(item.USD), bill.Unit(item), thousands(item.Quantity)))
		}
	}
	return []string{part.Name, dollars(part.USD()), strings.Join(of, ", "), part.Off}
}

func dollars(usd float64) string { return fmt.Sprintf("%.2f", usd) }

// thousands formats a quantity with commas, and without unnecessary digits.
func thousands(quantity float64) string {
	if quantity < 100 {
		return fmt.Sprintf("%.3g", quantity)
	}
	digits := fmt.Sprintf("%.0f", quantity)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// printTable prints rows, the first of which is the heading, in columns of equal width.
func printTable(w io.Writer, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, text := range row {
			widths[i] = max(widths[i], len(text))
		}
	}
	line := func(row []string) {
		for i, text := range row {
			fmt.Fprintf(w, "| %-*s ", widths[i], text)
		}
		fmt.Fprintln(w, "|")
	}
	line(rows[0])
	rule := make([]string, len(widths))
	for i, width := range widths {
		rule[i] = strings.Repeat("-", width)
	}
	line(rule)
	for _, row := range rows[1:] {
		line(row)
	}
}
