import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.LowerCaseFilter;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.Tokenizer;
import org.apache.lucene.analysis.de.GermanNormalizationFilter;
import org.apache.lucene.analysis.standard.StandardTokenizer;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.TextField;
import org.apache.lucene.monitor.MatchingQueries;
import org.apache.lucene.monitor.Monitor;
import org.apache.lucene.monitor.MonitorConfiguration;
import org.apache.lucene.monitor.MonitorQuery;
import org.apache.lucene.monitor.MultiMatchingQueries;
import org.apache.lucene.monitor.Presearcher;
import org.apache.lucene.monitor.QueryMatch;
import org.apache.lucene.monitor.TermFilteredPresearcher;
import org.apache.lucene.queryparser.classic.QueryParser;

/**
 * Lucene Monitor on the same queries and texts: one query a line, one text a line. Prints a line for each way to
 * drive it: its name, microseconds of CPU a text (its indexing included, best of several rounds on a warm JVM), and
 * how many pairs of text and query matched.
 *
 * Usage: MonitorBench QUERIES TEXTS ROUNDS
 */
public final class MonitorBench {
  private static final int BATCH = 100;

  /** Batches are quick: only after so many times the rounds is the JVM as warm as it gets. */
  private static final int WARM = 4;

  /** Lower case and umlauts as our own folding does it; no stemming, which would cost it more. */
  private static final Analyzer ANALYZER =
      new Analyzer() {
        @Override
        protected TokenStreamComponents createComponents(String field) {
          Tokenizer tokens = new StandardTokenizer();
          return new TokenStreamComponents(tokens, new GermanNormalizationFilter(new LowerCaseFilter(tokens)));
        }

        @Override
        protected TokenStream normalize(String field, TokenStream in) {
          return new GermanNormalizationFilter(new LowerCaseFilter(in));
        }
      };

  public static void main(String[] given) throws Exception {
    List<String> queries = Files.readAllLines(Path.of(given[0]));
    List<String> texts = Files.readAllLines(Path.of(given[1]));
    int rounds = Integer.parseInt(given[2]);
    try (Monitor monitor = compile(queries, new TermFilteredPresearcher())) {
      report("one by one", monitor, texts, 1, rounds);
      report("batches of " + BATCH, monitor, texts, BATCH, WARM * rounds);
    }
  }

  private static Monitor compile(List<String> queries, Presearcher presearcher) throws Exception {
    Monitor monitor = new Monitor(ANALYZER, presearcher, new MonitorConfiguration());
    QueryParser parser = new QueryParser("text", ANALYZER);
    parser.setDefaultOperator(QueryParser.Operator.AND);
    List<MonitorQuery> compiled = new ArrayList<>();
    for (int number = 0; number < queries.size(); number++) {
      compiled.add(new MonitorQuery(Integer.toString(number), parser.parse(queries.get(number))));
    }
    monitor.register(compiled);
    return monitor;
  }

  private static void report(String name, Monitor monitor, List<String> texts, int batch, int rounds)
      throws Exception {
    // of the whole process: what the collector of garbage takes is part of the price, as it is on our side
    OperatingSystemMXBean clock = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    long best = Long.MAX_VALUE;
    long matches = 0;
    for (int round = 0; round < rounds; round++) {
      long started = clock.getProcessCpuTime();
      matches = batch == 1 ? single(monitor, texts) : batched(monitor, texts, batch);
      best = Math.min(best, clock.getProcessCpuTime() - started);
    }
    System.out.printf("%s\t%.2f\t%d%n", name, best / 1000.0 / texts.size(), matches);
  }

  private static long single(Monitor monitor, List<String> texts) throws Exception {
    long matches = 0;
    for (String text : texts) {
      MatchingQueries<QueryMatch> found = monitor.match(document(text), QueryMatch.SIMPLE_MATCHER);
      matches += found.getMatchCount();
    }
    return matches;
  }

  private static long batched(Monitor monitor, List<String> texts, int batch) throws Exception {
    long matches = 0;
    for (int begin = 0; begin < texts.size(); begin += batch) {
      List<String> some = texts.subList(begin, Math.min(begin + batch, texts.size()));
      Document[] documents = some.stream().map(MonitorBench::document).toArray(Document[]::new);
      MultiMatchingQueries<QueryMatch> found = monitor.match(documents, QueryMatch.SIMPLE_MATCHER);
      for (int number = 0; number < documents.length; number++) {
        matches += found.getMatchCount(number);
      }
    }
    return matches;
  }

  private static Document document(String text) {
    Document document = new Document();
    document.add(new TextField("text", text, Field.Store.NO));
    return document;
  }
}
