package city.civiclake;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Locale;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.apache.spark.sql.api.java.UDF2;

/**
 * A keyed pseudonym of a value: {@code <key id>:<HMAC-SHA256 in hex>}.
 *
 * <p>The key comes from this process's environment and from nowhere else. A key that went through
 * SQL or a Spark setting would stand in plans, event logs and error messages; this one never
 * leaves the process that computes with it.
 *
 * <p>The domain ("citizen", "phone") goes into the message, so that the same text in two domains
 * has two pseudonyms, and the same domain in two tables can still be joined.
 */
public final class Pseudonym implements UDF2<String, String, String> {
  private static final long serialVersionUID = 1L;
  private static final String KEY_ID = "CIVICLAKE_PSEUDONYM_KEY_ID";
  private static final String KEY = "CIVICLAKE_PSEUDONYM_KEY_";
  private static final char SEPARATOR = 0x1F;

  /** One Mac per thread: it is not safe to share, and costs much to make for every row. */
  private static final ThreadLocal<Keyed> KEYED = ThreadLocal.withInitial(Keyed::current);

  @Override
  public String call(String value, String domain) {
    return value == null ? null : KEYED.get().of(value, domain);
  }

  private record Keyed(String id, Mac mac) {
    static Keyed current() {
      String id = required(KEY_ID);
      String key = required(KEY + id.toUpperCase(Locale.ROOT));
      try {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
        return new Keyed(id, mac);
      } catch (java.security.GeneralSecurityException e) {
        throw new IllegalStateException("this Java has no HmacSHA256");
      }
    }

    String of(String value, String domain) {
      String message = (domain == null ? "" : domain) + SEPARATOR + value;
      byte[] made = mac.doFinal(message.getBytes(StandardCharsets.UTF_8));
      return id + ":" + HexFormat.of().formatHex(made);
    }

    private static String required(String variable) {
      String found = System.getenv(variable);
      if (found == null || found.isEmpty()) {
        throw new IllegalStateException(
            "the environment variable " + variable + " is not set in the jobs engine:"
                + " set it and run `civiclake engine down`, then `civiclake engine up`");
      }
      return found;
    }
  }
}
