package city.civiclake;

import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.concurrent.Semaphore;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import javax.security.sasl.AuthenticationException;
import org.apache.hive.service.auth.PasswdAuthenticationProvider;

/**
 * Checks a login against the file of salted hashes (PBKDF2-HMAC-SHA256), as it is now.
 *
 * <p>An unknown name costs as much time and gets the same sentence as a wrong password.
 */
public final class PasswordLogin implements PasswdAuthenticationProvider {
  private static final String DUMMY = "-:210000:00000000000000000000000000000000:" + "00".repeat(32);
  private static final int LONGEST = 1024;

  /** A hash costs a tenth of a second: a flood of logins gets one processor at most. */
  private static final Semaphore HASHING = new Semaphore(1, true);

  @Override
  public void Authenticate(String user, String password) throws AuthenticationException {
    SqlServer.awaitReady();
    Connection connection = Connection.current();
    if (connection == null) {
      throw new AuthenticationException("this is not the door");
    }
    WrongLogins.delay(user, connection.address());
    String entry = user == null ? null : Logins.entry(user);
    if (!ProvedLogins.holds(user, entry, password) && !matches(entry, password)) {
      WrongLogins.wrong(user, connection.address());
      throw new AuthenticationException("wrong user name or password");
    }
    WrongLogins.right(user);
    ProvedLogins.keep(user, entry, password);
    if (!connection.enter(user, entry)) {
      throw new AuthenticationException(
          user + " has too many connections: close some (engine.gate.connections_by_login)");
    }
  }

  private static boolean matches(String entry, String password) throws AuthenticationException {
    if (password == null || password.isEmpty() || password.length() > LONGEST) {
      return false;
    }
    String[] parts = (entry == null ? DUMMY : entry).split(":");
    byte[] expected = HexFormat.of().parseHex(parts[3]);
    byte[] salt = HexFormat.of().parseHex(parts[2]);
    byte[] made = hash(password, salt, Integer.parseInt(parts[1]), expected.length);
    return MessageDigest.isEqual(expected, made) & entry != null;
  }

  private static byte[] hash(String password, byte[] salt, int iterations, int length)
      throws AuthenticationException {
    HASHING.acquireUninterruptibly();
    try {
      PBEKeySpec spec = new PBEKeySpec(password.toCharArray(), salt, iterations, length * 8);
      return SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256").generateSecret(spec).getEncoded();
    } catch (GeneralSecurityException e) {
      throw new AuthenticationException("the password can't be checked");
    } finally {
      HASHING.release();
    }
  }
}
