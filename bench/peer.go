// Go with net/http and goquery, which is what Colly wraps: 64 goroutines, a line a page.
// peer URLS FILE
package main

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/PuerkitoBio/goquery"
)

const workers = 64

func row(client *http.Client, url string) (string, error) {
	response, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	page, err := goquery.NewDocumentFromReader(response.Body)
	if err != nil {
		return "", err
	}
	about, _ := page.Find(`meta[name="description"]`).First().Attr("content")
	return fmt.Sprintf("%s\t%d\t%q\t%q\t%q\t%d\n", url, response.StatusCode,
		strings.TrimSpace(page.Find("title").First().Text()),
		strings.TrimSpace(page.Find("h1").First().Text()),
		about, page.Find("a[href]").Length()), nil
}

func main() {
	list, err := os.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	file, err := os.Create(os.Args[2])
	if err != nil {
		panic(err)
	}
	out := bufio.NewWriter(file)
	client := &http.Client{Transport: &http.Transport{
		MaxIdleConns: workers, MaxIdleConnsPerHost: workers}}
	urls := make(chan string, 1000)
	var writing sync.Mutex
	var crew sync.WaitGroup
	for n := 0; n < workers; n++ {
		crew.Add(1)
		go func() {
			defer crew.Done()
			for url := range urls {
				line, err := row(client, url)
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					continue
				}
				writing.Lock()
				out.WriteString(line)
				writing.Unlock()
			}
		}()
	}
	for lines := bufio.NewScanner(list); lines.Scan(); {
		urls <- lines.Text()
	}
	close(urls)
	crew.Wait()
	out.Flush()
}
