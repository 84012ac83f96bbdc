package city.civiclake;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Logins whose password this process has proved by the slow hash: the same password again is known
 * by a fast one.
 *
 * <p>A tool connects for each query, and the slow hash is most of what that costs beside a busy
 * night. It protects the file; here the key lives in this process's memory alone, as the password
 * itself does while it is checked. Whatever is not the proved password takes the slow way, so a
 * wrong one costs as much as ever. A changed line of the file is another login.
 */
final class ProvedLogins {
  private static final String WAY = "HmacSHA256";
  private static final byte[] KEY = secret();
  private static final Map<String, byte[]> BY_NAME = new ConcurrentHashMap<>();

  private ProvedLogins() {}

  /** Whether this line of the file was proved by this password before. */
  static boolean holds(String name, String entry, String password) {
    byte[] proved = name == null || entry == null ? null : BY_NAME.get(name);
    return proved != null && password != null && MessageDigest.isEqual(proved, of(entry, password));
  }

  /** A password was right: one a name is kept. */
  static void keep(String name, String entry, String password) {
    BY_NAME.put(name, of(entry, password));
  }

  private static byte[] secret() {
    byte[] made = new byte[32];
    new SecureRandom().nextBytes(made);
    return made;
  }

  private static byte[] of(String entry, String password) {
    try {
      Mac mac = Mac.getInstance(WAY);
      mac.init(new SecretKeySpec(KEY, WAY));
      mac.update(entry.getBytes(StandardCharsets.UTF_8));
      mac.update((byte) 0);
      return mac.doFinal(password.getBytes(StandardCharsets.UTF_8));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }
}
