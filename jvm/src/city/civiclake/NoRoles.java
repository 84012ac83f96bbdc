package city.civiclake;

import java.lang.reflect.Proxy;
import org.apache.hadoop.hive.conf.HiveConf;
import org.apache.hadoop.hive.ql.security.HiveAuthenticationProvider;
import org.apache.hadoop.hive.ql.security.authorization.plugin.HiveAuthorizer;
import org.apache.hadoop.hive.ql.security.authorization.plugin.HiveAuthorizerFactory;
import org.apache.hadoop.hive.ql.security.authorization.plugin.HiveAuthzSessionContext;
import org.apache.hadoop.hive.ql.security.authorization.plugin.HiveMetastoreClientFactory;

/**
 * Hive's own roles: there are none. Who may see what is judged by {@link Guard}.
 *
 * <p>JDBC's metadata calls ask whether Hive authorizes, and Hive makes its authorizer to answer that it
 * does not. The one that it makes by default reads its user's roles from a metastore.
 */
public final class NoRoles implements HiveAuthorizerFactory {
  @Override
  public HiveAuthorizer createHiveAuthorizer(
      HiveMetastoreClientFactory clients,
      HiveConf conf,
      HiveAuthenticationProvider authenticator,
      HiveAuthzSessionContext context) {
    Class<?>[] shown = {HiveAuthorizer.class};
    return (HiveAuthorizer)
        Proxy.newProxyInstance(NoRoles.class.getClassLoader(), shown, (it, method, given) -> null);
  }
}
